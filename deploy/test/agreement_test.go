package deploy

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var rewrite = flag.Bool("rewrite", false, "write the kustomize base and components from the chart")

// onlyInChart are the resources that the chart has beyond the base: what it runs besides
// the cluster.
var onlyInChart = []string{"NetworkPolicy/ostraka-tools", "NetworkPolicy/ostraka-for-tools", "Pod/ostraka-test"}

// written are the directories that are written from the chart, each with the values that
// make the chart have what is in it.
var written = []struct {
	dir    string
	values []string
}{
	{"base", nil},
	{"components/monitoring", []string{"serviceMonitor.enabled=true"}},
	{"components/alerts", []string{"prometheusRule.enabled=true"}},
	{"components/dashboards", []string{"dashboards.enabled=true"}},
	{"components/external", []string{
		"external.enabled=true", "external.type=ClusterIP", "external.domain=ostraka.example.com", "external.ingress.enabled=true",
	}},
}

// header begins each file that is written from the chart.
const header = "# Written from deploy/helm/ostraka/templates/%s by: scripts/deploy-test -run TestBase -rewrite\n"

// TestBase: each file of the base and of the components is what the chart renders.
func TestBase(t *testing.T) {
	for _, w := range written {
		t.Run(w.dir, func(t *testing.T) {
			dir := filepath.Join(kubernetesDir, w.dir)
			var args []string
			for _, value := range w.values {
				args = append(args, "--set", value)
			}
			names := listed(t, dir)
			// A template that says nothing as yet would be refused by its name.
			byTemplate := bySource(t, helmTemplate(t, "ostraka", args...))
			for _, name := range names {
				text := append(fmt.Appendf(nil, header, name), byTemplate[name]...)
				path := filepath.Join(dir, name)
				if *rewrite {
					if err := os.WriteFile(path, text, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if was, err := os.ReadFile(path); err != nil || !bytes.Equal(was, text) {
					t.Errorf("%s is not what the chart renders (%v); remedy: scripts/deploy-test -run TestBase -rewrite", path, err)
				}
			}
		})
	}
}

// TestBaseIsWhole: the base has every resource of the chart with its default values, and
// they agree.
func TestBaseIsWhole(t *testing.T) {
	dir := t.TempDir()
	base, err := filepath.Rel(dir, absolute(t, filepath.Join(kubernetesDir, "base")))
	if err != nil {
		t.Fatal(err)
	}
	overlay := fmt.Appendf(nil, "namespace: ostraka\nresources: [%s]\n", base)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	compare(t, "the base", parse(t, tool(t, "kustomize", "build", dir)),
		"the chart", parse(t, helmTemplate(t, "ostraka")), nil, onlyInChart)
}

// TestOverlays: each overlay agrees with the chart under the values of the same name.
func TestOverlays(t *testing.T) {
	for _, overlay := range []struct{ name, namespace string }{
		{"dev", "ostraka-dev"}, {"staging", "ostraka-staging"}, {"production", "ostraka"},
	} {
		t.Run(overlay.name, func(t *testing.T) {
			values := filepath.Join(absolute(t, chartDir), "values-"+overlay.name+".yaml")
			compare(t, "the overlay", parse(t, kustomize(t, "overlays", overlay.name)),
				"the chart", parse(t, helmTemplate(t, overlay.namespace, "--values", values)),
				// Helm is told the namespace by whoever installs.
				[]string{"Namespace/" + overlay.namespace}, onlyInChart)
		})
	}
}

// listed returns the resources that a directory's kustomization names.
func listed(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var k struct {
		Resources []string `yaml:"resources"`
	}
	if err := yaml.Unmarshal(text, &k); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return k.Resources
}

// bySource splits what Helm rendered by the template that it comes from, without the
// lines that only an installation by Helm has, and without the namespace.
func bySource(t *testing.T, rendered []byte) map[string][]byte {
	t.Helper()
	const mark = "# Source: ostraka/templates/"
	found := map[string][]byte{}
	for _, document := range strings.Split(string(rendered), "---\n"+mark)[1:] {
		name, text, ok := strings.Cut(document, "\n")
		if !ok {
			t.Fatalf("Helm says no source of %q", document)
		}
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(text), "\n"), func(line string) bool {
			// An overlay names the namespace.
			return strings.TrimSpace(line) == "namespace: ostraka" ||
				slices.ContainsFunc(ofHelm, func(label string) bool { return strings.HasPrefix(strings.TrimSpace(line), label+":") })
		})
		if found[name] != nil {
			found[name] = append(found[name], "---\n"...)
		}
		found[name] = append(found[name], strings.Join(lines, "\n")+"\n"...)
	}
	return found
}
