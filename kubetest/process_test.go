package kubetest

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/kubetest/controlplane"
)

// runCoordinator runs the program coordinator on a namespace, and returns what it logs.
func runCoordinator(t *testing.T, program, namespace, name string) (*exec.Cmd, <-chan map[string]any) {
	t.Helper()
	kubeconfig, err := plane.Kubeconfig(controlplane.Admin, namespace)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--name", name, "-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "", "-j",
		"--metadata", "configmap", "--kubeconfig", kubeconfig, "--k8s-configmap-name", status, "--k8s-config-name", configName)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := make(chan map[string]any, 10000)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(told)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				line = map[string]any{"msg": "not JSON: " + lines.Text()}
			}
			told <- line
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-read
		_ = cmd.Wait() // it was killed
	})
	return cmd, told
}

func awaitLine(t *testing.T, told <-chan map[string]any, message string) {
	t.Helper()
	late := time.After(patience)
	var last []string
	for {
		select {
		case line, open := <-told:
			if !open {
				t.Fatalf("the process ended without %q: %s", message, strings.Join(last, "\n"))
			}
			text, _ := line["msg"].(string)
			if text == message {
				return
			}
			if strings.HasPrefix(text, "not JSON") {
				t.Errorf("logged %s", text)
			}
			last = append(last, text)
		case <-late:
			t.Fatalf("no %q: %s", message, strings.Join(last, "\n"))
		}
	}
}

// The program coordinator on a real API server: it makes the cluster that the ConfigMap
// tells, is replaced when it is killed, and comes back after the API server does.
func TestCoordinatorsAsProcesses(t *testing.T) {
	const leads = "leads the cluster's coordinators"
	program := filepath.Join(t.TempDir(), "coordinator")
	if out, err := exec.Command("go", "build", "-C", "..", "-o", program, "./cmd/coordinator").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ns := namespace(t)
	write(t, ns, oneServer+"namespaces:\n- {name: default, initialShardCount: 4, replicationFactor: 1}\n")
	a, toldA := runCoordinator(t, program, ns, "a")
	awaitLine(t, toldA, leads)
	awaitLine(t, toldA, "cluster changed")
	_, toldB := runCoordinator(t, program, ns, "b")
	awaitLine(t, toldB, "coordinator started")
	began := time.Now()
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitLine(t, toldB, leads)
	t.Logf("killed: replaced after %v", time.Since(began).Round(time.Millisecond))
	plane.KillAPIServer()
	awaitLine(t, toldB, leads+" no more")
	if err := plane.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	awaitLine(t, toldB, leads)
	write(t, ns, twoServers+"namespaces:\n- {name: default, initialShardCount: 4, replicationFactor: 1}\n"+
		"- {name: more, initialShardCount: 2, replicationFactor: 2}\n")
	awaitLine(t, toldB, "cluster configuration changed")
	awaitLine(t, toldB, "cluster changed")
	found, err := closing(t, openWith(t, connect(t, controlplane.Admin, ns), 8)).Read(t.Context(), []string{"cluster"})
	if err != nil || !strings.Contains(string(found["cluster"].Value), `"more"`) {
		t.Errorf("stored is %s, %v", found["cluster"].Value, err)
	}
}
