package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// logged is a process of which a line of its log is waited for.
type logged struct {
	cmd  *exec.Cmd
	name string
	read chan struct{} // closed when the log has ended
}

// startLogged starts the program, and returns what a pattern's groups matched in the
// first line of its log that it matches.
func startLogged(t *testing.T, name, pattern string, args ...string) (*logged, []string) {
	t.Helper()
	p := &logged{cmd: program(args...), name: name, read: make(chan struct{})}
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// One that has ended already is no error here.
		_ = p.cmd.Process.Kill()
		<-p.read
	})
	wanted, found := regexp.MustCompile(pattern), make(chan []string, 1)
	go func() {
		defer close(p.read)
		defer close(found)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if groups := wanted.FindStringSubmatch(lines.Text()); groups != nil {
				found <- groups[1:]
				break
			}
		}
		// What nobody reads would stop the process.
		_, _ = io.Copy(io.Discard, log)
	}()
	groups, ok := <-found
	if !ok {
		t.Fatalf("%s has ended without a line like %s", name, pattern)
	}
	return p, groups
}

// end sends a signal and wants the process to end as it should.
func (p *logged) end(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Errorf("%s: %v", p.name, err)
		return
	}
	<-p.read
	if err := p.cmd.Wait(); (err != nil) != (signal == os.Kill) {
		t.Errorf("%v ended %s with %v", signal, p.name, err)
	}
}

// cluster is servers and a coordinator, each a process.
type cluster struct {
	servers     []*logged
	public      []string
	coordinator *logged
	admin       string
}

// startCluster starts servers s0, s1 and so on with a namespace on three of them.
func startCluster(t *testing.T, servers, shards int) *cluster {
	t.Helper()
	dir, c := t.TempDir(), &cluster{}
	var config strings.Builder
	fmt.Fprintf(&config, "namespaces:\n- {name: default, initialShardCount: %d, replicationFactor: 3}\nservers:\n", shards)
	for i := range servers {
		name := fmt.Sprint("s", i)
		server, at := startLogged(t, name, `msg=serves public=(\S+) internal=(\S+)`, "server", "--name", name,
			"--data-dir", filepath.Join(dir, name), "-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "127.0.0.1:0")
		c.servers, c.public = append(c.servers, server), append(c.public, at[0])
		fmt.Fprintf(&config, "- {name: %s, public: %q, internal: %q}\n", name, at[0], at[1])
	}
	path := filepath.Join(dir, "cluster.yaml")
	if err := os.WriteFile(path, []byte(config.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var at []string
	c.coordinator, at = startLogged(t, "coordinator", `msg="coordinator started" public=(\S+)`, "coordinator", "--cluster-config", path,
		"--file-clusters-status-path", filepath.Join(dir, "status.json"), "-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "127.0.0.1:0")
	c.admin = at[0]
	return c
}

// want runs a command line that is to work, and to print something.
func want(t *testing.T, part string, args ...string) string {
	t.Helper()
	text, code := say(t, args...)
	if code != 0 || !strings.Contains(text, part) {
		t.Fatalf("%s: exit code %d, %q; want %q", strings.Join(args, " "), code, text, part)
	}
	return text
}

// Three servers and a coordinator are a cluster, that is looked at and used by the same
// program, and goes on when one server ends.
func TestAClusterOfProcesses(t *testing.T) {
	c := startCluster(t, 3, 2)
	public := c.public
	want(t, "a    0", "client", "put", "a", "1", "-a", public[0])
	want(t, "1\n", "client", "get", "a", "-a", public[1])
	want(t, "s1", "admin", "dataserver", "get", "--admin-address", c.admin)
	want(t, "default  3            2       2", "admin", "namespace", "get", "--admin-address", c.admin)
	want(t, "server s2", "status", "-a", public[2])
	want(t, "SERVING", "health", "--host", "127.0.0.1", "--port", public[2][strings.LastIndex(public[2], ":")+1:], "--service", "oxia-readiness")

	// One that is told to end gives its leaderships away first.
	c.servers[0].end(t, syscall.SIGTERM)
	want(t, "a    1", "client", "put", "a", "2", "-a", public[1])
	want(t, "2\n", "client", "get", "a", "-a", public[2])
	c.coordinator.end(t, syscall.SIGTERM)
	want(t, "2\n", "client", "get", "a", "-a", public[2])
	// With nobody to take their leaderships the others would wait for somebody.
	for _, server := range c.servers[1:] {
		server.end(t, os.Kill)
	}
}
