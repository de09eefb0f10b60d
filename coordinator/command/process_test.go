package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// argumentsVariable makes the test's binary the command, with these arguments, one a
// line.
const argumentsVariable = "OSTRAKA_COORDINATOR_ARGUMENTS"

func TestMain(m *testing.M) {
	if arguments := os.Getenv(argumentsVariable); arguments != "" {
		os.Exit(run(context.Background(), strings.Split(arguments, "\n"), os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// startProcess runs a coordinator as a process of its own, on the files of a directory.
func startProcess(t *testing.T, dir, name string) (*os.Process, <-chan map[string]any) {
	t.Helper()
	p, told := startProcessWith(t, "--name", name,
		"--cluster-config", filepath.Join(dir, "cluster.yaml"), "--file-clusters-status-path", filepath.Join(dir, "status.json"))
	await(t, told, "coordinator started")
	return p, told
}

// startProcessWith runs a coordinator as a process of its own, with arguments. It does
// not wait for it.
func startProcessWith(t *testing.T, args ...string) (*os.Process, <-chan map[string]any) {
	t.Helper()
	log, told := lines(t)
	cmd := exec.Command(os.Args[0])
	args = append([]string{"-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "", "-j"}, args...)
	cmd.Env = append(os.Environ(), argumentsVariable+"="+strings.Join(args, "\n"))
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // killed, if it has not
	})
	return cmd.Process, told
}

func send(t *testing.T, p *os.Process, s syscall.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// A coordinator that was killed, and one that stands still, are replaced within
// seconds; one that goes on finds that it was.
func TestKilledAndStoppedCoordinatorsAreReplaced(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cluster.yaml"), []byte(clusterYAML), 0o644); err != nil {
		t.Fatal(err)
	}
	a, toldA := startProcess(t, dir, "a")
	await(t, toldA, leads)
	b, toldB := startProcess(t, dir, "b")
	began := time.Now()
	send(t, a, syscall.SIGKILL)
	await(t, toldB, leads)
	t.Logf("killed: replaced after %v", time.Since(began))

	_, toldC := startProcess(t, dir, "c")
	began = time.Now()
	send(t, b, syscall.SIGSTOP)
	await(t, toldC, leads)
	t.Logf("stopped: replaced after %v", time.Since(began))
	send(t, b, syscall.SIGCONT)
	if reason := fmt.Sprint(await(t, toldB, leads+" no more")["reason"]); !strings.Contains(reason, "another took the lease") {
		t.Errorf("it gave up because %s", reason)
	}
}
