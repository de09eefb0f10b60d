package cluster

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Sample is one value that a process tells Prometheus.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// maxScrapeBytes bounds what is read of a process's metrics: ten thousand shards have
// some ten megabytes.
const maxScrapeBytes = 64 << 20

// Scrape reads a process's metrics.
func (m *Member) Scrape(ctx context.Context) ([]Sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Metrics+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Close = true // a connection that is kept would outlive the test
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the metrics of %s: %s", m.Name, res.Status)
	}
	return parseSamples(io.LimitReader(res.Body, maxScrapeBytes))
}

// Value sums the samples of a name that have some labels, each given with its value.
func Value(samples []Sample, name string, labels ...string) float64 {
	sum := 0.0
	for _, s := range samples {
		if s.Name == name && s.has(labels) {
			sum += s.Value
		}
	}
	return sum
}

func (s *Sample) has(labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if s.Labels[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// sampleLine is a name, labels if there are any, and a value; label values of ours have
// no quotes.
var (
	sampleLine  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)`)
	sampleLabel = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"`)
)

func parseSamples(text io.Reader) ([]Sample, error) {
	var samples []Sample
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := sampleLine.FindStringSubmatch(line)
		if parts == nil {
			return nil, fmt.Errorf("%q is no sample", line)
		}
		value, err := strconv.ParseFloat(parts[3], 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		s := Sample{Name: parts[1], Labels: map[string]string{}, Value: value}
		for _, label := range sampleLabel.FindAllStringSubmatch(parts[2], -1) {
			s.Labels[label[1]] = label[2]
		}
		samples = append(samples, s)
	}
	return samples, lines.Err()
}
