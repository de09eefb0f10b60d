package raft

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what comes at once unless something is broken.
const patience = 30 * time.Second

// testTick makes silent leaders be replaced after 300 to 600 ms.
const testTick = 20 * time.Millisecond

// The limits that tests come to.
const (
	testStateBytes  = 2 << 20
	testKeepEntries = 128
	testKeepBytes   = 256 << 10
)

// Ports that members keep over restarts must not be ones that the kernel gives to
// outgoing connections.
const firstPort, lastPort = 20000, 32000

func freeAddresses(t testing.TB, n int) []string {
	t.Helper()
	var found []string
	for port := firstPort + rand.IntN(lastPort-firstPort); len(found) < n; port++ {
		if port == lastPort {
			port = firstPort
		}
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
	return found
}

// cluster is a cluster in one process, whose members can be killed and cut off.
type cluster struct {
	t       testing.TB
	members []*node
}

// node is a member with its disk, over restarts.
type node struct {
	*Member
	c       *cluster
	address string
	fs      *vfs.MemFS
	nodes   []string
	killed  *atomic.Bool
	// dying counts down the steps after which it is killed, if it is above zero.
	dying *atomic.Int64

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]bool
}

func newCluster(t testing.TB, n int) *cluster {
	t.Helper()
	c := &cluster{t: t}
	addresses := freeAddresses(t, n)
	for _, address := range addresses {
		c.members = append(c.members, &node{c: c, address: address, nodes: addresses, fs: vfs.NewCrashableMem(), conns: map[net.Conn]bool{}})
	}
	for _, n := range c.members {
		n.start()
	}
	t.Cleanup(func() {
		for _, n := range c.members {
			n.close()
		}
	})
	return c
}

func (n *node) options() Options {
	killed, dying := &atomic.Bool{}, &atomic.Int64{}
	n.killed, n.dying = killed, dying
	logger := slog.New(slog.DiscardHandler)
	if os.Getenv("RAFT_TEST_LOG") != "" {
		logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("at", n.address)
	}
	return Options{
		Address: n.address, Bootstrap: n.nodes, Dir: "raft", Logger: logger, fs: n.fs, dial: n.dial,
		tick: testTick, stateBytes: testStateBytes, keepEntries: testKeepEntries, keepBytes: testKeepBytes,
		alive: func() bool {
			if dying.Load() > 0 && dying.Add(-1) == 0 {
				killed.Store(true)
			}
			return !killed.Load()
		},
	}
}

func (n *node) start() {
	n.c.t.Helper()
	m, err := Open(n.options())
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.Member = m
}

func (n *node) close() {
	if n.Member == nil {
		return
	}
	if err := n.Close(); err != nil {
		n.c.t.Errorf("close: %v", err)
	}
	n.Member = nil
}

// kill ends the member as a crash of its machine does: what it had not synced is gone,
// or part of it.
func (n *node) kill() {
	n.killed.Store(true)
	crashed := n.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rand.IntN(101), RNG: rand.New(rand.NewPCG(rand.Uint64(), 1))})
	n.close()
	n.fs = crashed
}

// die ends the member as the end of its process does: its connections are reset, and new
// ones refused.
func (n *node) die() {
	n.killed.Store(true)
	n.server.Stop()
	n.stop()
}

// dial is how the member reaches others, unless it, or they, are cut off.
func (n *node) dial(ctx context.Context, address string) (net.Conn, error) {
	for _, other := range n.c.members {
		if (other == n || other.address == address) && other.isCut() {
			<-ctx.Done() // silence, and no refusal
			return nil, ctx.Err()
		}
	}
	conn, err := (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.conns[conn] = true
	n.mu.Unlock()
	return conn, nil
}

func (n *node) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

// isolate cuts the member off, or connects it again.
func (n *node) isolate(cut bool) {
	n.mu.Lock()
	n.cut = cut
	n.mu.Unlock()
	for _, other := range n.c.members {
		other.mu.Lock()
		for conn := range other.conns {
			if cut && (other == n || conn.RemoteAddr().String() == n.address) {
				_ = conn.Close()
				delete(other.conns, conn)
			}
		}
		other.mu.Unlock()
	}
}

// leader waits until a member leads, in the opinion of most, and returns it.
func (c *cluster) leader() *node {
	c.t.Helper()
	var found *node
	eventually(c.t, "a leader", func() bool {
		for _, n := range c.members {
			votes := 0
			for _, other := range c.members {
				if other.Member != nil && !other.isCut() && other.Leader() == n.address {
					votes++
				}
			}
			if n.Member != nil && !n.isCut() && votes > len(c.members)/2 {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// follower returns a member that does not lead.
func (c *cluster) follower() *node {
	leader := c.leader()
	for _, n := range c.members {
		if n != leader && n.Member != nil {
			return n
		}
	}
	c.t.Fatal("there is no follower")
	return nil
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *cluster) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c.t.Cleanup(cancel)
	return ctx
}

func value(n int) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

// put stores a document, and fails the test if it cannot.
func (c *cluster) put(on *node, key string, v []byte, version int64) {
	c.t.Helper()
	if err := on.Update(c.ctx(), []metadata.Change{{Key: key, Value: v, Version: version}})[0]; err != nil {
		c.t.Fatal(err)
	}
}

// want holds a document against what it should be, as a member reads it.
func (c *cluster) want(on *node, key string, v []byte, version int64) {
	c.t.Helper()
	found, err := on.Read(c.ctx(), []string{key})
	if err != nil {
		c.t.Fatal(err)
	}
	if d := found[key]; string(d.Value) != string(v) || d.Version != version {
		c.t.Fatalf("%s is %s in version %d, want %s in %d", key, d.Value, d.Version, v, version)
	}
}

// shared is one of several providers of one member.
type shared struct {
	*Member
	changed chan struct{}
	fan     *fan
}

// fan tells several receivers that the lease may have changed.
type fan struct {
	mu        sync.Mutex
	receivers []*shared
	stop      chan struct{}
	running   sync.WaitGroup
}

func newFan(m *Member) *fan {
	f := &fan{stop: make(chan struct{})}
	f.running.Go(func() {
		for {
			select {
			case <-m.LeaseChanged():
				f.mu.Lock()
				for _, r := range f.receivers {
					signal(r.changed)
				}
				f.mu.Unlock()
			case <-f.stop:
				return
			}
		}
	})
	return f
}

func (f *fan) open(m *Member) metadata.Provider {
	s := &shared{Member: m, changed: make(chan struct{}, 1), fan: f}
	f.mu.Lock()
	f.receivers = append(f.receivers, s)
	f.mu.Unlock()
	return s
}

func (f *fan) close() {
	close(f.stop)
	f.running.Wait()
}

func (s *shared) LeaseChanged() <-chan struct{} { return s.changed }
func (s *shared) Close() error                  { return nil } // the member's is the cluster's

// openDisk opens the directory of a member that is closed.
func (n *node) openDisk(t testing.TB) (*disk.Disk, *disk.Content) {
	t.Helper()
	opened, content, err := disk.Open(disk.Options{FS: n.fs, Dir: "raft", Address: n.address})
	if err != nil {
		t.Fatal(err)
	}
	return opened, content
}
