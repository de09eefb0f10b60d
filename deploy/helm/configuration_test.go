package helm

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ostraka-db/ostraka/coordinator/config"
)

// TestConfigurations: coordinators accept the cluster configurations of the base and of
// the overlays.
func TestConfigurations(t *testing.T) {
	paths, err := filepath.Glob("../kubernetes/overlays/*/config.yaml")
	if err != nil || len(paths) != 3 {
		t.Fatalf("overlays: %v (%v)", paths, err)
	}
	for _, path := range append(paths, "../kubernetes/base/config.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var object struct {
			Data map[string]string `yaml:"data"`
		}
		if err := yaml.Unmarshal(text, &object); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		c, err := config.Parse(path, []byte(object.Data["cluster.yaml"]))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if len(c.GetServers()) == 0 || len(c.GetNamespaces()) == 0 {
			t.Errorf("%s has no servers or no namespaces", path)
		}
	}
}
