package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/client"
)

// asProgram has the test's own binary be the program: there is nothing to build.
const asProgram = "OSTRAKA_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// running is a service in a process of its own.
type running struct {
	cmd     *exec.Cmd
	address string
	errs    bytes.Buffer
}

// startService starts one, and returns when it has said that it serves.
func startService(t testing.TB, args ...string) *running {
	t.Helper()
	r := &running{cmd: program(append([]string{"standalone", "--public-addr", "127.0.0.1:0"}, args...)...)}
	r.cmd.Stderr = &r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("it never served: %v\n%s", err, r.errs.String())
	}
	if _, err := fmt.Sscanf(line, "ostraka serves on %s ", &r.address); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return r
}

// end sends a signal and returns what the process ended with.
func (r *running) end(t testing.TB, signal os.Signal) error {
	t.Helper()
	if err := r.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	return r.cmd.Wait()
}

// say runs the program and returns what it printed and its exit code.
func say(t testing.TB, args ...string) (string, int) {
	t.Helper()
	cmd := program(args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// What was acknowledged is there, however the process ends.
func TestAServiceEndsAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	for i, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt, os.Kill, syscall.SIGTERM} {
		service := startService(t, "--data-dir", dir)
		for earlier := range i {
			text, code := say(t, "client", "-a", service.address, "get", fmt.Sprint("key/", earlier))
			if code != 0 || text != fmt.Sprintf("value %d\n", earlier) {
				t.Errorf("%q, exit code %d", text, code)
			}
		}
		if text, code := say(t, "client", "-a", service.address, "put", fmt.Sprint("key/", i), fmt.Sprint("value ", i)); code != 0 {
			t.Errorf("%q, exit code %d", text, code)
		}
		err := service.end(t, signal)
		if killed := signal == os.Kill; (err != nil) != killed {
			t.Errorf("%v ended it with %v", signal, err)
		}
		if service.errs.Len() > 0 {
			t.Errorf("on standard error: %s", service.errs.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	service := startService(t, "--in-memory")
	for _, c := range []struct {
		args string
		code int
		text string
	}{
		{"client put a 1", 0, "VERSION"},
		{"client get b", 3, "there is no such record"},
		{"client put a 2 -e 7", 3, "expected version"},
		{"client get a --rate 3", 2, "no flag --rate"},
		{"--version", 0, "ostraka"},
		{"completion bash", 0, "complete"},
	} {
		args := strings.Fields(c.args)
		if args[0] == "client" {
			args = append(args, "-a", service.address)
		}
		if text, code := say(t, args...); code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s: exit code %d, %q; want %d and %q", c.args, code, text, c.code, c.text)
		}
	}
	if err := service.end(t, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if _, code := say(t, "client", "get", "a", "-a", service.address); code != 1 {
		t.Errorf("exit code %d of a service that is gone, want 1", code)
	}
}

// BenchmarkStartup measures a process from its start to the first acknowledged put, with
// a new directory each time, and with one that a service was ended in. It reports the
// median.
func BenchmarkStartup(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		startups(b, func() string { return b.TempDir() })
	})
	b.Run("again", func(b *testing.B) {
		dir := b.TempDir()
		startups(b, func() string { return dir })
	})
}

func startups(b *testing.B, dir func() string) {
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		service := startService(b, "--data-dir", dir())
		c, err := client.New(b.Context(), service.address)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Put(b.Context(), "a", []byte("1")); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		if err := service.end(b, syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}
