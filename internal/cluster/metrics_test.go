package cluster

import (
	"strings"
	"testing"
)

func TestSamplesAreRead(t *testing.T) {
	const text = `# HELP a_total What it is.
# TYPE a_total counter
a_total 3
b{shard="1",role="leader"} 1

b{shard="2",role="leader"} 1.5e+06
b{shard="2",role="follower"} 2 1700000000000
c_bucket{le="+Inf"} 7
`
	samples, err := parseSamples(strings.NewReader(text))
	if err != nil || len(samples) != 5 {
		t.Fatalf("read %v, %v", samples, err)
	}
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"a_total", nil, 3},
		{"b", nil, 1.5e6 + 3},
		{"b", []string{"shard", "2"}, 1.5e6 + 2},
		{"b", []string{"shard", "2", "role", "follower"}, 2},
		{"b", []string{"shard", "3"}, 0},
		{"c_bucket", []string{"le", "+Inf"}, 7},
		{"d", nil, 0},
	} {
		if got := Value(samples, c.name, c.labels...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	for _, bad := range []string{"just words\n", "a{} b\n", "{} 1\n"} {
		if got, err := parseSamples(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}
