package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const alertsPath = chartDir + "/monitoring/alerts.yaml"

// TestAlerts: each alert fires when it should and not before, as testdata/alerts.yaml
// tells, and has a test there.
func TestAlerts(t *testing.T) {
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", alertsPath)
	promtool(t, "test", "rules", "testdata/alerts.yaml")
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert string `yaml:"alert"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	var tests struct {
		Tests []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert  string `yaml:"alertname"`
				Expect []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	for path, into := range map[string]any{alertsPath: &rules, "testdata/alerts.yaml": &tests} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, one := range test.Rules {
			if len(one.Expect) > 0 {
				fires[one.Alert] = true
			} else {
				silent[one.Alert+" in "+test.Name] = true
			}
		}
	}
	count := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			count++
			if !fires[rule.Alert] || !silent[rule.Alert+" in a healthy cluster"] || !silent[rule.Alert+" in "+rule.Alert] {
				t.Errorf("testdata/alerts.yaml does not show that %s fires, not too early, and not in a healthy cluster", rule.Alert)
			}
		}
	}
	if count < 20 {
		t.Errorf("there are only %d alerts", count)
	}
}

// TestDashboardQueries: Prometheus understands every query of the dashboards.
func TestDashboardQueries(t *testing.T) {
	paths, err := filepath.Glob(chartDir + "/monitoring/dashboards/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	type group struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	var groups []group
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Panels []struct {
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		g := group{Name: filepath.Base(path)}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				g.Rules = append(g.Rules, rule{"dashboard:query", strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")})
			}
		}
		groups = append(groups, g)
	}
	text, err := yaml.Marshal(map[string]any{"groups": groups})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", file)
}
