package helm

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	alertsPath   = "ostraka/monitoring/alerts.yaml"
	metricsPath  = "../../docs/metrics.md"
	runbooksPath = "../../docs/runbooks"
)

// foreign are metrics that are not ours, with the labels that we use of them.
var foreign = map[string][]string{
	"up":                                   nil,
	"process_cpu_seconds_total":            nil,
	"process_start_time_seconds":           nil,
	"process_open_fds":                     nil,
	"process_max_fds":                      nil,
	"process_resident_memory_bytes":        nil,
	"go_goroutines":                        nil,
	"kubelet_volume_stats_available_bytes": {"namespace", "persistentvolumeclaim"},
	"kubelet_volume_stats_capacity_bytes":  {"namespace", "persistentvolumeclaim"},
}

// ofTargets are the labels that Prometheus and the ServiceMonitors add to every metric.
var ofTargets = []string{"instance", "job", "pod", "ostraka_cluster", "ostraka_component"}

// words of the query language that look like a metric.
var words = []string{"by", "on", "and", "or", "unless", "without", "ignoring", "group_left", "group_right", "bool", "offset"}

var (
	row        = regexp.MustCompile("^\\| `([a-z_]+)` \\| ([a-z]+) \\| ([^|]*) \\|")
	grouping   = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right) ?\(([^)]*)\)`)
	selector   = regexp.MustCompile(`([a-z_][a-z0-9_]*)\s*(?:\{([^}]*)\})?`)
	matcher    = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"[^"]*"`)
	labelValue = regexp.MustCompile(`^label_values\((.*), ([a-z_]+)\)$`)
)

// documented reads the tables of docs/metrics.md: each metric with its labels. A
// histogram is there under the three names that it is asked for.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(metricsPath)
	if err != nil {
		t.Fatal(err)
	}
	found := maps.Clone(foreign)
	for _, line := range strings.Split(string(text), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		labels := strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' })
		if m[2] != "histogram" {
			found[m[1]] = labels
			continue
		}
		found[m[1]+"_bucket"] = append(slices.Clone(labels), "le")
		found[m[1]+"_sum"], found[m[1]+"_count"] = labels, labels
	}
	if len(found) < 50 {
		t.Fatalf("%s has only %d metrics: are the tables still read as they are written?", metricsPath, len(found))
	}
	return found
}

// amiss lists what a query asks for and is not there.
func amiss(query string, known map[string][]string) []string {
	var problems, labels []string
	rest := grouping.ReplaceAllStringFunc(query, func(group string) string {
		list := grouping.FindStringSubmatch(group)[1]
		labels = append(labels, strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })...)
		return " "
	})
	var of []string
	for _, at := range selector.FindAllStringSubmatchIndex(rest, -1) {
		name := rest[at[2]:at[3]]
		function := strings.HasPrefix(rest[at[1]:], "(")
		number := at[0] > 0 && strings.ContainsAny(rest[at[0]-1:at[0]], "0123456789[$.")
		if function || number || slices.Contains(words, name) || isAggregation(name) {
			continue
		}
		own, ok := known[name]
		if !ok {
			problems = append(problems, fmt.Sprintf("there is no metric %s (docs/metrics.md): %s", name, query))
			continue
		}
		of = append(of, own...)
		if at[4] < 0 {
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(rest[at[4]:at[5]], -1) {
			if !slices.Contains(own, m[1]) && !slices.Contains(ofTargets, m[1]) {
				problems = append(problems, fmt.Sprintf("metric %s has no label %s: %s", name, m[1], query))
			}
		}
	}
	for _, label := range labels {
		if !slices.Contains(of, label) && !slices.Contains(ofTargets, label) {
			problems = append(problems, fmt.Sprintf("no metric of it has the label %s: %s", label, query))
		}
	}
	return problems
}

// checkQuery reports what a query asks for and is not there.
func checkQuery(t *testing.T, where, query string, known map[string][]string) {
	t.Helper()
	for _, problem := range amiss(query, known) {
		t.Errorf("%s: %s", where, problem)
	}
}

// isAggregation: such a word may stand before its labels, which were taken out.
func isAggregation(word string) bool {
	return slices.Contains([]string{"sum", "max", "min", "avg", "count", "absent", "changes"}, word)
}

// alerts reads the rules.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(alertsPath)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			found[rule.Alert] = rule.Expr
			if page := "/docs/runbooks/" + rule.Alert + ".md"; !strings.HasSuffix(rule.Annotations["runbook_url"], page) {
				t.Errorf("%s: runbook_url is %q, and should end with %s", rule.Alert, rule.Annotations["runbook_url"], page)
			}
			if !slices.Contains([]string{"warning", "critical"}, rule.Labels["severity"]) {
				t.Errorf("%s: severity is %q", rule.Alert, rule.Labels["severity"])
			}
		}
	}
	return found
}

func TestAlertsAskForWhatThereIs(t *testing.T) {
	known := documented(t)
	for name, query := range alerts(t) {
		checkQuery(t, name, query, known)
	}
}

// TestRunbooks: each alert has a page that says what it means and what to do, and each
// page an alert.
func TestRunbooks(t *testing.T) {
	all := alerts(t)
	pages, err := filepath.Glob(filepath.Join(runbooksPath, "Ostraka*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := strings.TrimSuffix(filepath.Base(page), ".md"); all[name] == "" {
			t.Errorf("%s: there is no alert %s", page, name)
		}
	}
	index, err := os.ReadFile(filepath.Join(runbooksPath, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		text, err := os.ReadFile(filepath.Join(runbooksPath, name+".md"))
		if err != nil {
			t.Errorf("alert %s has no page: %v", name, err)
			continue
		}
		for _, heading := range []string{"# " + name + "\n", "\n## What it means\n", "\n## Find out\n", "\n## What to do\n"} {
			if !strings.Contains(string(text), heading) {
				t.Errorf("%s.md has no %q", name, strings.TrimSpace(heading))
			}
		}
		if !strings.Contains(string(index), "("+name+".md)") {
			t.Errorf("docs/runbooks/README.md does not name %s", name)
		}
	}
}

func TestDashboardsAskForWhatThereIs(t *testing.T) {
	known := documented(t)
	paths, err := filepath.Glob("ostraka/monitoring/dashboards/*.json")
	if err != nil || len(paths) < 5 {
		t.Fatalf("dashboards: %v (%v)", paths, err)
	}
	uids := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			UID    string `json:"uid"`
			Panels []struct {
				Type    string `json:"type"`
				Title   string `json:"title"`
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
			Templating struct {
				List []struct {
					Type  string          `json:"type"`
					Query json.RawMessage `json:"query"`
				} `json:"list"`
			} `json:"templating"`
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if other := uids[dashboard.UID]; other != "" || dashboard.UID == "" {
			t.Errorf("%s has the uid %q, as has %q", path, dashboard.UID, other)
		}
		uids[dashboard.UID] = path
		for _, panel := range dashboard.Panels {
			if panel.Type != "row" && len(panel.Targets) == 0 {
				t.Errorf("%s: panel %q asks for nothing", path, panel.Title)
			}
			for _, target := range panel.Targets {
				checkQuery(t, path+": "+panel.Title, target.Expr, known)
			}
		}
		for _, variable := range dashboard.Templating.List {
			if variable.Type != "query" {
				continue
			}
			var query struct {
				Query string `json:"query"`
			}
			if err := json.Unmarshal(variable.Query, &query); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			m := labelValue.FindStringSubmatch(query.Query)
			if m == nil {
				t.Fatalf("%s: variable %q is none that this test understands", path, query.Query)
			}
			checkQuery(t, path, "sum by ("+m[2]+") ("+m[1]+")", known)
		}
	}
}

// TestQueriesAreUnderstood: what the tests above rest on finds mistakes.
func TestQueriesAreUnderstood(t *testing.T) {
	known := documented(t)
	for _, query := range []string{
		`ostraka_server_redy == 0`,
		`ostraka_server_ready{shard="1"} == 0`,
		`sum by (shard) (ostraka_server_ready)`,
		`histogram_quantile(0.99, sum by (le) (rate(ostraka_rpc_duration_seconds[5m])))`,
		`ostraka_replica_serving + on (shard) group_left (nothing) ostraka_replica_term`,
	} {
		if len(amiss(query, known)) == 0 {
			t.Errorf("nothing was found amiss in %s", query)
		}
	}
}
