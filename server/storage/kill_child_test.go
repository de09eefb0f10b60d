package storage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

const (
	// killVariable has the data directory and the first number to write. It is set in
	// the processes that are to be killed alone.
	killVariable = "STORAGE_KILL"
	// killKeys are more than there are writes at a time, so that those of one key are
	// in order.
	killKeys   = 200
	killWindow = 64
	// The log is trimmed down to killKeep entries, when there are twice as many.
	killKeep = 300
)

// killValue is what write number n writes, to key n modulo killKeys.
func killValue(n int) string { return fmt.Sprint(n, strings.Repeat(" and so on", n%60)) }

// TestKillProcess is a server of one shard with one replica that writes as fast as it
// can until it is killed, and no test by itself. It says on standard output what it
// finds, proposes and has acknowledged, and each before anything builds on it.
func TestKillProcess(t *testing.T) {
	dir, number, set := strings.Cut(os.Getenv(killVariable), "|")
	if !set {
		t.Skip("not a process to be killed")
	}
	first, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	p, err := openKillProcess(dir, first)
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(p.run()) // it is killed, and never ends well
}

type killProcess struct {
	disk  *Disk
	node  *replication.Node
	store *fileStore
	begun time.Time
	out   *bufio.Writer

	// open are the numbers of writes under way, by request.
	open map[replication.RequestID]int
	next int
	// reading is set until everything that was found is told.
	reading bool
	asked   bool
}

func openKillProcess(dir string, first int) (*killProcess, error) {
	disk, err := Open(Options{
		FS: vfs.Default, Dir: dir, CacheBytes: 1 << 20, MemTableBytes: 256 << 10,
		Log: wal.Options{SegmentBytes: 256 << 10, CarryAboveBytes: 1 << 20},
	})
	if err != nil {
		return nil, err
	}
	found, err := disk.Recovered()
	if err != nil {
		return nil, err
	}
	p := &killProcess{
		disk: disk, store: &fileStore{path: filepath.Join(dir, "document")}, begun: time.Now(),
		out: bufio.NewWriter(os.Stdout), open: map[replication.RequestID]int{}, next: first, reading: true,
	}
	options := replication.DefaultOptions()
	options.Barrier = kv.BarrierPayload()
	options.BeatEvery, options.SilentAfter = 5*time.Millisecond, 20*time.Millisecond
	options.QuestionFor, options.GraceFor, options.BackoffMost = 20*time.Millisecond, time.Millisecond, 5*time.Millisecond
	self := replication.Server{ID: "s", Run: disk.Log().Run(), Incarnation: disk.Log().Incarnation()}
	servers := []replication.ServerID{self.ID}
	p.node = replication.NewNode(self, &options, servers, replication.Ports{
		Transport: nowhere{}, Log: disk.Log(), StateMachine: disk.Machine(), Metadata: p.store,
	})
	for _, r := range found {
		p.node.Open(r.Shard, r.Found)
	}
	p.node.Coordinate(shardID, servers, uint64(self.Run))
	return p, nil
}

// run works for ever.
func (p *killProcess) run() error {
	for {
		next, err := p.settle()
		if err != nil {
			return err
		}
		if p.ask() {
			continue
		}
		if wait := next.Sub(p.now().Mono); next != replication.Never && wait > 0 {
			<-time.After(wait)
		}
	}
}

func (p *killProcess) now() replication.Time {
	now := time.Now()
	return replication.Time{Mono: replication.Instant(now.Sub(p.begun) + 1), Wall: replication.Timestamp(now.UnixMilli())}
}

// settle steps the node until nothing comes back at once.
func (p *killProcess) settle() (replication.Instant, error) {
	for {
		now := p.now()
		work := p.disk.Machine().Work(now.Mono)
		outcomes, next := p.node.Step(now)
		for _, o := range outcomes {
			p.ended(o)
		}
		more, err := p.complete()
		if err != nil {
			return replication.Never, err
		}
		if !more && len(outcomes) == 0 {
			if next == replication.Never || work < next {
				next = work
			}
			return next, p.out.Flush()
		}
	}
}

// complete gives the node what came of its submissions.
func (p *killProcess) complete() (bool, error) {
	durable, err := p.disk.Log().Sync()
	if err = errors.Join(err, p.disk.Machine().Failed()); err != nil {
		return false, err
	}
	completed, answered := p.disk.Machine().Take()
	completed = append(completed, p.store.take()...)
	for _, d := range durable {
		completed = append(completed, Completion{d.Shard, replication.LogDone{Sequence: d.Sequence}})
	}
	for _, a := range p.disk.Log().Reads() {
		completed = append(completed, Completion{a.Shard, a.Read})
	}
	for _, c := range completed {
		p.node.Complete(c.Shard, c.Event)
	}
	for _, a := range answered {
		p.node.Answered(a.ID, a.Result)
	}
	return len(completed)+len(answered) > 0, p.trim()
}

func (p *killProcess) trim() error {
	state, hosted := p.node.Replica(shardID)
	if !hosted || state.Applied < state.Base.Offset+2*killKeep {
		return nil
	}
	if err := p.disk.Flush(); err != nil {
		return err
	}
	flushed, err := p.disk.Flushed(shardID)
	p.node.Trim(shardID, flushed.Offset-killKeep)
	return err
}

// ask asks for what was found, first, and then for as many writes as there is room
// for. It reports whether it asked for anything.
func (p *killProcess) ask() bool {
	deadline := p.now().Mono.Add(10 * time.Second)
	if p.reading {
		if p.asked {
			return false
		}
		p.asked = true
		req := &api.ReadRequest{}
		for key := range killKeys {
			req.Gets = append(req.Gets, &api.GetRequest{Key: fmt.Sprint(key), IncludeValue: true})
		}
		p.node.Request(replication.Request{
			ID: 1, Shard: shardID, Kind: replication.RequestRead, Deadline: deadline,
			Body: append([]byte{QueryRead}, mustMarshal(req)...),
		})
		return true
	}
	begun := p.next
	for ; len(p.open) < killWindow; p.next++ {
		put := &api.WriteRequest{Puts: []*api.PutRequest{{Key: fmt.Sprint(p.next % killKeys), Value: []byte(killValue(p.next))}}}
		id := replication.RequestID(p.next + 2)
		p.open[id] = p.next
		p.node.Request(replication.Request{
			ID: id, Shard: shardID, Kind: replication.RequestWrite, Deadline: deadline, Body: kv.WritePayload(mustMarshal(put)),
		})
	}
	if p.next == begun {
		return false
	}
	fmt.Fprintln(p.out, "proposed", p.next-1)
	_ = p.out.Flush() // nothing was stepped yet
	return true
}

// ended takes the outcome of a request.
func (p *killProcess) ended(o replication.RequestOutcome) {
	if p.reading {
		p.asked = false // again, if it was refused
		var res api.ReadResponse
		if o.Outcome.Kind != replication.OutcomeDone || proto.Unmarshal(o.Outcome.Result, &res) != nil {
			return
		}
		for key, get := range res.GetGets() {
			if get.GetStatus() == api.Status_OK {
				fmt.Fprintf(p.out, "found %d %q\n", key, get.GetValue())
			}
		}
		fmt.Fprintln(p.out, "ready")
		p.reading = false
		return
	}
	number := p.open[o.ID]
	delete(p.open, o.ID)
	if o.Outcome.Kind == replication.OutcomeDone {
		fmt.Fprintln(p.out, "acknowledged", number)
	}
}

func mustMarshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// nowhere is the network of a server without peers.
type nowhere struct{}

// Send implements replication.Transport.
func (nowhere) Send(replication.ServerID, []replication.Envelope) {}

// fileStore keeps the shard's document in a file.
type fileStore struct {
	path string
	done []Completion
}

// Load implements replication.MetadataStore.
func (s *fileStore) Load(shard replication.ShardID) {
	document, found := s.read()
	s.done = append(s.done, Completion{shard, replication.DocumentLoaded{Document: document, Found: found}})
}

// CompareAndSet implements replication.MetadataStore.
func (s *fileStore) CompareAndSet(shard replication.ShardID, document replication.Document) {
	outcome := replication.StoreConflict
	if before, _ := s.read(); before.Version == document.Version-1 {
		s.write(document)
		outcome = replication.StoreDone
	}
	s.done = append(s.done, Completion{shard, replication.DocumentStored{
		Version: document.Version, Term: document.Term, Outcome: outcome,
	}})
}

func (s *fileStore) read() (document replication.Document, found bool) {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return document, false
	}
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err != nil {
		panic(err)
	}
	return document, true
}

// write replaces the file at once. A process that is killed takes nothing along that
// was written.
func (s *fileStore) write(document replication.Document) {
	text, err := json.Marshal(document)
	if err == nil {
		err = os.WriteFile(s.path+".new", text, 0o644)
	}
	if err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	if err != nil {
		panic(err)
	}
}

func (s *fileStore) take() []Completion {
	done := s.done
	s.done = nil
	return done
}
