package command

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ostraka-db/ostraka/api"
)

// freeAddresses returns addresses on loopback that processes find free over restarts:
// their ports are none that the kernel gives to outgoing connections.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	var found []string
	for port := 20000 + os.Getpid()%10000; len(found) < n && port < 32000; port++ {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		found = append(found, address)
	}
	if len(found) < n {
		t.Fatalf("%d of %d addresses are free", len(found), n)
	}
	return found
}

const leads = "leads the cluster's coordinators"

// trio is three coordinators that have nothing but each other.
type trio struct {
	t         *testing.T
	dir       string
	addresses []string
	processes map[string]*os.Process
	told      map[string]<-chan map[string]any
	// public is where each serves administration, and run the reign seen last.
	public map[string]string
	run    float64
	// made counts the clusters that were made.
	made int
}

func startTrio(t *testing.T) *trio {
	c := &trio{
		t: t, dir: t.TempDir(), addresses: freeAddresses(t, 3),
		processes: map[string]*os.Process{}, told: map[string]<-chan map[string]any{}, public: map[string]string{},
	}
	if err := os.WriteFile(filepath.Join(c.dir, "cluster.yaml"), []byte(clusterYAML), 0o644); err != nil {
		t.Fatal(err)
	}
	c.startAll()
	return c
}

func (c *trio) startAll() {
	for _, name := range []string{"a", "b", "c"} {
		c.start(name)
	}
}

func (c *trio) start(name string) {
	c.processes[name], c.told[name] = startProcessWith(c.t,
		"--name", name, "--cluster-config", filepath.Join(c.dir, "cluster.yaml"), "--metadata", "raft",
		"--raft-bootstrap-nodes", strings.Join(c.addresses, ","), "--raft-address", c.addresses[strings.Index("abc", name)],
		"--raft-data-dir", filepath.Join(c.dir, name))
	c.public[name], _ = await(c.t, c.told[name], "coordinator started")["public"].(string)
}

// kill ends a process as nobody can refuse.
func (c *trio) kill(name string) {
	send(c.t, c.processes[name], syscall.SIGKILL)
	delete(c.told, name)
}

// leader waits until another reign begins, and its coordinator has read what is stored.
func (c *trio) leader() string {
	c.t.Helper()
	began := time.Now()
	name, line := c.awaitAny(leads)
	c.t.Logf("%s leads after %v", name, time.Since(began))
	run, _ := line["run"].(float64)
	if run <= c.run {
		c.t.Errorf("reign %v after %v", run, c.run)
	}
	c.run = run
	conn, err := grpc.NewClient(c.public[name], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // it was only asked
	ready := &healthpb.HealthCheckRequest{Service: api.HealthReadiness}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		answer, err := healthpb.NewHealthClient(conn).Check(c.t.Context(), ready)
		if err == nil && answer.Status == healthpb.HealthCheckResponse_SERVING {
			return name
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s leads, and is not ready: %v %v", name, answer, err)
		}
	}
}

// awaitAny waits until one of the processes tells something.
func (c *trio) awaitAny(message string) (name string, line map[string]any) {
	c.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for name, lines := range c.told {
			select {
			case line, open := <-lines:
				if !open {
					c.t.Fatalf("%s ended without %q", name, message)
				}
				c.note(line)
				if line["msg"] == message {
					return name, line
				}
			default:
			}
		}
	}
	c.t.Fatalf("no %q", message)
	return "", nil
}

func (c *trio) note(line map[string]any) {
	if line["msg"] == "made a new cluster" {
		c.made++
	}
}

// Whoever is killed, another goes on with what was stored; and so do all of them, when
// all were killed.
func TestCoordinatorsKeepMetadataByRaft(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := startTrio(t)
	for range 3 {
		killed := c.leader()
		c.kill(killed)
		c.start(killed)
	}
	c.leader()
	for name := range c.processes {
		c.kill(name)
	}
	c.startAll()
	c.leader()
	for _, lines := range c.told {
		for len(lines) > 0 {
			c.note(<-lines)
		}
	}
	if c.made > 1 {
		t.Errorf("%d clusters were made", c.made)
	}
}
