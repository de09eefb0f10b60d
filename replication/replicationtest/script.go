package replicationtest

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/ostraka-db/ostraka/replication"
)

// Script runs every golden script of a directory. Run the test with -rewrite to
// write down what the core does now, and read the difference.
//
// A script is a story: commands and what they caused. The commands:
//
//	cluster servers=N [hand]       N servers that coordinate themselves, or replicas
//	                               that a hand-played coordinator tells what to do.
//	                               With lazy-flush, state machines keep what they
//	                               apply in memory until they are told to flush.
//	                               With check-every=N, they check their states at
//	                               offsets that are multiples of N.
//	                               With ensemble=K, the shard begins on the first K
//	newterm term=N [id=x] to=(s1,s2)       the hand sends NewTerm
//	lead s1 term=N [id=x] [ensemble=(s1,s2)] [joining=(..)] [learners=(..)]
//	                                       the hand sends BecomeLeader
//	tell s1 MESSAGE [as=s2] ...            the hand sends another message, or
//	                                       forges one of a server's: see tell
//	write s1 x=1 as=NAME [within=D] [here] a client's write at a server; with here,
//	                                       one that never leaves it
//	read s1 x as=NAME [within=D] [here]    a client's linearizable read
//	run [for=D]                            until rest, or for a time
//	cut s1 s2 | cut from=s1 to=s2 | isolate s1 | heal
//	lose|keep [type=T] [from=s] [to=s] [count=N]   what becomes of messages
//	release|repeat [type=T] [from=s] [to=s] [count=N]   deliver kept ones, or
//	                                               copies of all that match
//	stick s1 | unstick s1 | sync s1 count=N        disks
//	crash s1 | start s1 | pause s1 | resume s1 | wipe s1
//	wish s1 to=(s1,s2)                             the planner's, to a coordinator
//	settings s1 TEXT                               a coordinator's, for the next term
//	drain s1                                       it gives its leaderships away
//	transfer s1 [to=s2]                            a coordinator's order: another leader
//	end s1 | recover s1 on=(s2) | withdraw s1      ... the end of the shard, its rest
//	                                               without those lost; or its own end
//	gone s1 [to=(s2)]                              its peers' connections are reset
//	over s1 [to=(s2)]                              ... refused: its process has ended
//	metadata s1 cut|deaf|mute|whole                a server's way to the store
//	trim s1 to=N [unsafe] | flush s1               its log; what its state machine holds
//	stall s1 | unstall s1                          its state machine
//	close s1 | spoil s1                            snapshots that leave and arrive
//	rot s1 at=N | forget s1 | corrupt s1 x=9       an entry that cannot be read, a
//	                                               state that is lost, or is wrong
//	amnesia s1 | break s1                          it lost its term and log, or fails
//	                                               to read its state from now on
//	state | log | document                         replicas, disks, the store
//
// Each command that sends anything then runs until rest, unless it says "later".
// One that says "quiet" leaves its trace out: for beginnings that another story
// shows in full. A violation is never left out.
func Script(t *testing.T, dir string) {
	RecordScripts(t, dir, func(string) Recorder { return nil })
}

// RecordScripts runs every golden script of a directory, each with a recorder of
// its own.
func RecordScripts(t *testing.T, dir string, recorder func(name string) Recorder) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			s := &script{record: recorder(name)}
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
		})
	}
}

// script is the state of one golden script.
type script struct {
	cluster *Cluster
	record  Recorder
	out     strings.Builder
	names   replication.RequestID
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	if d.Cmd == "cluster" {
		s.begin(t, d)
		return s.text()
	}
	if s.cluster == nil {
		d.Fatalf(t, "a script begins with cluster")
	}
	command, ok := commands[d.Cmd]
	if !ok {
		d.Fatalf(t, "no command %q", d.Cmd)
	}
	a := args{t: t, d: d}
	command(s, a)
	if a.has("quiet") {
		s.hush()
	}
	return s.text()
}

// hush leaves nothing of the output but violations.
func (s *script) hush() {
	lines := strings.SplitAfter(s.out.String(), "\n")
	s.out.Reset()
	for _, line := range lines {
		if strings.HasPrefix(line, "VIOLATION") {
			s.out.WriteString(line)
		}
	}
}

func (s *script) text() string {
	if s.out.Len() == 0 {
		return "ok"
	}
	return s.out.String()
}

// begin makes a cluster. Its timers are round numbers that a reader can follow.
func (s *script) begin(t *testing.T, d *datadriven.TestData) {
	options := replication.DefaultOptions()
	options.BackoffMost = 40 * time.Millisecond
	options.Barrier = []byte("barrier")
	a := args{t: t, d: d}
	options.MaxAppendBytes = a.number("append-bytes", options.MaxAppendBytes)
	options.TailBytes = a.number("tail-bytes", options.TailBytes)
	options.MaxSnapshotBytes = a.number("snapshot-bytes", options.MaxSnapshotBytes)
	options.MaxLag = a.number("max-lag", options.MaxLag)
	options.MaxPending = a.number("max-pending", options.MaxPending)
	options.MaxReads = a.number("max-reads", options.MaxReads)
	options.MaxEarly = a.number("max-early", options.MaxEarly)
	options.CommitAfter = a.duration("commit-after", options.CommitAfter)
	if err := options.Validate(); err != nil {
		d.Fatalf(t, "%v", err)
	}
	s.cluster = NewCluster(options)
	s.cluster.Log = func(line string) { fmt.Fprintln(&s.out, line) }
	s.cluster.Record = s.record
	s.cluster.lazyFlush = a.has("lazy-flush")
	s.cluster.checkEvery = a.number("check-every", 0)
	s.cluster.first = a.number("ensemble", 0)
	byHand := a.has("hand")
	for range a.number("servers", 3) {
		server := s.cluster.addServer(!byHand)
		if byHand {
			server.disk.shard(Shard).record = replication.TermRecord{Replica: server.replica}
		}
	}
	quiet := s.cluster.Log
	s.cluster.Log = nil
	for _, server := range s.cluster.servers {
		server.start()
	}
	if byHand {
		s.cluster.stabilize()
	}
	s.cluster.Log = quiet
}

// args reads a command's arguments.
type args struct {
	t *testing.T
	d *datadriven.TestData
}

func (a args) has(key string) bool { return a.d.HasArg(key) }

func (a args) text(key, otherwise string) string {
	for _, arg := range a.d.CmdArgs {
		if arg.Key == key && len(arg.Vals) > 0 {
			return arg.Vals[0]
		}
	}
	return otherwise
}

func (a args) list(key string) []string {
	for _, arg := range a.d.CmdArgs {
		if arg.Key == key {
			return arg.Vals
		}
	}
	return nil
}

// serverIDs names servers that the cluster need not have.
func (a args) serverIDs(key string) []replication.ServerID {
	var ids []replication.ServerID
	for _, name := range a.list(key) {
		ids = append(ids, replication.ServerID(name))
	}
	return ids
}

func (a args) number(key string, otherwise int) int {
	text := a.text(key, "")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		a.d.Fatalf(a.t, "%s: %v", key, err)
	}
	return n
}

func (a args) duration(key string, otherwise time.Duration) time.Duration {
	text := a.text(key, "")
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		a.d.Fatalf(a.t, "%s: %v", key, err)
	}
	return d
}

// term reads term=N and id=x, the election id in hexadecimal; without it the id
// follows from the number.
func (a args) term() replication.TermID {
	n := a.number("term", 0)
	id, err := strconv.ParseUint(a.text("id", strconv.FormatInt(int64(n)*0x11, 16)), 16, 64)
	if n == 0 || err != nil {
		a.d.Fatalf(a.t, "term=N and maybe id=x (hexadecimal) expected")
	}
	return replication.TermID{Term: replication.Term(n), Election: replication.ElectionID(id)}
}

// word returns the n-th argument that is a bare word.
func (a args) word(n int) string {
	for _, arg := range a.d.CmdArgs {
		if len(arg.Vals) == 0 {
			if n == 0 {
				return arg.Key
			}
			n--
		}
	}
	return ""
}

func (a args) server(c *Cluster, name string) *server {
	server := c.server(replication.ServerID(name))
	if server == nil {
		a.d.Fatalf(a.t, "no server %q", name)
	}
	return server
}

// servers reads a list of names; all of them if there is none.
func (a args) servers(c *Cluster, key string) []*server {
	if !a.has(key) {
		return c.servers
	}
	var servers []*server
	for _, name := range a.list(key) {
		servers = append(servers, a.server(c, name))
	}
	return servers
}

func (a args) members(c *Cluster, key string) []replication.Member {
	if !a.has(key) {
		return nil
	}
	return members(a.servers(c, key))
}

func members(servers []*server) []replication.Member {
	members := make([]replication.Member, len(servers))
	for i, s := range servers {
		members[i] = replication.Member{Server: s.id, Replica: s.replica}
	}
	return members
}
