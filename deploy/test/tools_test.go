package deploy

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	chartDir      = "../helm/ostraka"
	kubernetesDir = "../kubernetes"
	// toolWithin bounds a run of a tool, the first of which builds it.
	toolWithin = 15 * time.Minute
)

// run runs a command, and returns what it printed.
func run(t *testing.T, dir, name string, args ...string) (out, diagnostics []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	// Nothing of the user's own Helm is used.
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CONFIG_HOME="+home, "HELM_CACHE_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	err = cmd.Run()
	return stdout.Bytes(), stderr.Bytes(), err
}

// tool runs a tool of deploy/tools that must not fail.
func tool(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, diagnostics, err := run(t, "../tools", "go", append([]string{"tool", name}, args...)...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, diagnostics)
	}
	return out
}

// absolute is a path as tools have to be told it, which run in another directory.
func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// helmTemplate renders the chart as the release ostraka.
func helmTemplate(t *testing.T, namespace string, args ...string) []byte {
	t.Helper()
	return tool(t, "helm", append([]string{"template", "ostraka", absolute(t, chartDir), "--namespace", namespace}, args...)...)
}

// helmRefuses renders the chart, which must fail, and returns why it did.
func helmRefuses(t *testing.T, args ...string) string {
	t.Helper()
	_, diagnostics, err := run(t, "../tools", "go", append([]string{
		"tool", "helm", "template", "ostraka", absolute(t, chartDir), "--namespace", "ostraka",
	}, args...)...)
	if err == nil {
		t.Fatalf("helm template %v was accepted", args)
	}
	return string(diagnostics)
}

// kustomize builds a directory of deploy/kubernetes.
func kustomize(t *testing.T, path ...string) []byte {
	t.Helper()
	return tool(t, "kustomize", "build", absolute(t, filepath.Join(append([]string{kubernetesDir}, path...)...)))
}

// promtool runs promtool, which has to be installed.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Fatal("promtool is not installed, and so the alerts were not tested; remedy: apt-get install prometheus")
	}
	out, diagnostics, err := run(t, ".", "promtool", args...)
	if err != nil {
		t.Fatalf("promtool %v: %v\n%s%s", args, err, out, diagnostics)
	}
	return string(out)
}
