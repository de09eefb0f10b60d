package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// sweepPoint is a log and a state of a shard, as indices into what it was.
type sweepPoint struct{ log, state int }

// sweepPoints are by shard.
type sweepPoints [sweepShards + 1]sweepPoint

func (p sweepPoints) logs() (at [sweepShards + 1]int) {
	for i := range p {
		at[i] = p[i].log
	}
	return at
}

// past reports whether an act of a shard was done.
func (p sweepPoints) past(a *sweepAct) bool {
	if a.kind == actSubmit {
		return a.at <= p[a.shard].log
	}
	return a.at <= p[a.shard].state
}

// sweepMark is how far a shard has come.
type sweepMark struct {
	// acked is what was reported as durable, asked what may have had an effect.
	acked, asked sweepPoint
	// commit is the last entry that is known to be committed. It was acknowledged.
	commit replication.EntryID
}

// sweepMarks are by shard.
type sweepMarks [sweepShards + 1]sweepMark

// progress is how far a run has come. Whoever holds its lock keeps the run from
// asking and from acknowledging more.
type progress struct {
	mu     sync.Mutex
	shards sweepMarks
}

// set changes what is known of a shard.
func (p *progress) set(shard replication.ShardID, change func(*sweepMark)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.shards[shard])
}

// sweepRun does the acts of a workload on a disk.
type sweepRun struct {
	sweep   *sweep
	options Options
	disk    *Disk
	p       *progress
	// opened are the logs that shards had when the disk was opened.
	opened [sweepShards + 1]int
	// recording says that digests and contents are noted, not compared.
	recording bool
}

// errUnread says that an error of the disk kept entries or a state from being read.
var errUnread = errors.New("the disk is damaged, it is said")

func sweepOptions(fs vfs.FS, logger *slog.Logger) Options {
	return Options{
		FS: fs, Dir: "data", CacheBytes: 1 << 20, MemTableBytes: 64 << 10, CheckEvery: 3, DisableCompactions: true,
		Log: wal.Options{
			SegmentBytes: 12 << 10, CacheBytes: 2 << 10, IndexEveryBytes: 1 << 10, MaxBatchBytes: 4 << 10, CarryAboveBytes: 20 << 10,
		},
		Now: func() time.Time { return time.UnixMilli(1_000_000) }, Draw: func() uint64 { return 7 }, Logger: logger,
	}
}

// newRun returns a run that was not begun.
func (s *sweep) newRun(fs vfs.FS, logger *slog.Logger) *sweepRun {
	return &sweepRun{sweep: s, options: sweepOptions(fs, logger), p: &progress{}}
}

// record does the workload without an accident.
func (s *sweep) record(t *testing.T) {
	t.Helper()
	r := s.newRun(vfs.NewMem(), nil)
	r.recording = true
	if err := r.all(); err != nil {
		t.Fatal(err)
	}
}

// all does the workload on an empty disk.
func (r *sweepRun) all() error {
	found, err := r.open()
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("found on an empty disk: %+v", found)
	}
	for shard := replication.ShardID(1); shard <= sweepShards; shard++ {
		if err := r.compare(shard, 0); err != nil {
			_ = r.close()
			return err
		}
	}
	return r.goOn(sweepPoints{}, sweepPoints{})
}

// open opens the disk, and says what it found.
func (r *sweepRun) open() ([]Recovered, error) {
	d, err := Open(r.options)
	if err != nil {
		return nil, err
	}
	r.disk = d
	found, err := d.Recovered()
	if err != nil {
		_ = r.close() // the first error counts
		return nil, err
	}
	return found, nil
}

// close closes the disk, if it is open.
func (r *sweepRun) close() error {
	d := r.disk
	if r.disk = nil; d == nil {
		return nil
	}
	return d.Close()
}

// goOn does the acts that lead beyond where shards are, and closes the disk. Flushes
// and syncs count from the first act that leads beyond what was found.
func (r *sweepRun) goOn(found, at sweepPoints) error {
	r.opened = at.logs()
	begun := false
	for i := range r.sweep.acts {
		a := &r.sweep.acts[i]
		begun = begun || a.shard != 0 && !found.past(a)
		if !begun || a.shard != 0 && at.past(a) {
			continue
		}
		err := r.do(a)
		if err == nil {
			err = r.noteFlushed()
		}
		if err != nil {
			_ = r.close() // the first error counts
			return fmt.Errorf("act %d, %s of shard %d: %w", i, a.name, a.shard, err)
		}
	}
	for shard := replication.ShardID(1); shard <= sweepShards; shard++ {
		logs := r.sweep.shards[shard].logs
		if err := holds(r.disk.Log(), shard, logs[len(logs)-1]); err != nil {
			_ = r.close()
			return fmt.Errorf("in the end: %w", err)
		}
	}
	return r.close()
}

func (r *sweepRun) do(a *sweepAct) error {
	switch a.kind {
	case actSubmit:
		return r.submit(a)
	case actSync:
		return r.sync()
	case actFlush:
		if err := r.disk.Flush(); err != nil {
			return err
		}
		r.noteDurable()
		return nil
	case actReopen:
		return r.reopen()
	case actApply:
		return r.apply(a)
	case actImport:
		return r.importParts(a)
	}
	r.p.set(a.shard, func(m *sweepMark) { m.asked.state = a.at })
	r.disk.Machine().Delete(a.shard)
	if err := r.answered(replication.Deleted{}); err != nil {
		return err
	}
	r.p.set(a.shard, func(m *sweepMark) { m.acked.state = a.at })
	return r.compare(a.shard, a.at)
}

func (r *sweepRun) submit(a *sweepAct) error {
	if a.op.Kind == replication.OpTrim {
		flushed, err := r.disk.Flushed(a.shard)
		if err != nil {
			return err
		}
		if flushed.Offset < a.op.Base.Offset {
			return fmt.Errorf("to be trimmed up to %v, and flushed is %v", a.op.Base, flushed)
		}
	}
	r.p.set(a.shard, func(m *sweepMark) { m.asked.log, m.commit = a.at, a.commit })
	op := a.op
	op.Sequence = uint64(a.at - r.opened[a.shard])
	r.disk.Log().Submit(a.shard, op)
	return nil
}

func (r *sweepRun) sync() error {
	durable, err := r.disk.Log().Sync()
	if err != nil {
		return err
	}
	for _, d := range durable {
		r.p.set(d.Shard, func(m *sweepMark) { m.acked.log = r.opened[d.Shard] + int(d.Sequence) })
	}
	return nil
}

// noteDurable notes that everything that was asked of the machine is durable.
func (r *sweepRun) noteDurable() {
	for shard := replication.ShardID(1); shard <= sweepShards; shard++ {
		r.p.set(shard, func(m *sweepMark) { m.acked.state = m.asked.state })
	}
}

// noteFlushed notes what the machine says to be durable.
func (r *sweepRun) noteFlushed() error {
	for shard := replication.ShardID(1); shard <= sweepShards; shard++ {
		flushed, err := r.disk.Flushed(shard)
		if err != nil {
			return err
		}
		states, known := r.sweep.shards[shard].states, false
		r.p.set(shard, func(m *sweepMark) {
			for i := m.acked.state; i <= m.asked.state && !known; i++ {
				if known = states[i].applied == flushed; known {
					m.acked.state = i
				}
			}
		})
		if !known {
			return fmt.Errorf("shard %d is flushed up to %v, which was not applied, or is less than was flushed", shard, flushed)
		}
	}
	return nil
}

// reopen closes the disk, and opens it again. Everything is there.
func (r *sweepRun) reopen() error {
	if err := r.close(); err != nil {
		return err
	}
	r.noteDurable()
	found, err := r.open()
	if err != nil {
		return err
	}
	at, err := r.match(found, r.p.shards)
	r.opened = at.logs()
	return err
}

// apply applies entries as the log has them.
func (r *sweepRun) apply(a *sweepAct) error {
	r.p.set(a.shard, func(m *sweepMark) { m.asked.state, m.commit = a.at, a.commit })
	entries, err := readEntries(r.disk.Log(), a.shard, a.first, a.first+replication.Offset(len(a.entries)-1))
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(entries, a.entries) {
		return fmt.Errorf("shard %d: the log has other entries from %d on", a.shard, a.first)
	}
	if err := r.applyEntries(a.shard, entries); err != nil {
		return err
	}
	return r.compare(a.shard, a.at)
}

func (r *sweepRun) applyEntries(shard replication.ShardID, entries []replication.Entry) error {
	r.disk.Machine().Apply(shard, entries)
	return r.answered(replication.Applied{})
}

func (r *sweepRun) importParts(a *sweepAct) error {
	position := int64(0)
	for _, part := range a.parts {
		if part.Final {
			r.p.set(a.shard, func(m *sweepMark) { m.asked.state = a.at })
		}
		r.disk.Machine().Import(a.shard, part)
		position += int64(len(part.Data))
		if err := r.answered(replication.Imported{Last: part.Last, Position: position, Installed: part.Final}); err != nil {
			return err
		}
	}
	r.p.set(a.shard, func(m *sweepMark) { m.acked.state, m.commit = a.at, a.commit })
	return r.compare(a.shard, a.at)
}

// answered takes the one answer that the machine must have; of Applied only that it
// is one.
func (r *sweepRun) answered(want replication.Event) error {
	done, _ := r.disk.Machine().Take()
	if err := r.disk.Machine().Failed(); err != nil {
		return err
	}
	if len(done) != 1 {
		return fmt.Errorf("answered %+v", done)
	}
	switch got := done[0].Event.(type) {
	case replication.StateLost:
		return errUnread
	case replication.Applied:
		if _, wanted := want.(replication.Applied); wanted {
			return nil
		}
	default:
		if got == want {
			return nil
		}
	}
	return fmt.Errorf("answered %+v, want %+v", done[0].Event, want)
}

// look returns what the machine holds of a shard.
func (r *sweepRun) look(shard replication.ShardID) (sweepState, error) {
	req := &api.ReadRequest{}
	for key := range sweepKeys {
		req.Gets = append(req.Gets, &api.GetRequest{Key: sweepKey(key), IncludeValue: true})
	}
	r.disk.Machine().Query(shard, 1, append([]byte{QueryRead}, mustMarshal(req)...))
	lost, answers := r.disk.Machine().Take()
	if err := r.disk.Machine().Failed(); err != nil {
		return sweepState{}, err
	}
	if len(lost) > 0 || len(answers) != 1 {
		return sweepState{}, errUnread
	}
	digest, applied, err := r.disk.State().Digest(kv.ShardID(shard))
	return sweepState{applied: coreID(applied), digest: digest, content: string(answers[0].Result)}, err
}

// compare holds the state of a shard against the one that it was without an accident.
func (r *sweepRun) compare(shard replication.ShardID, at int) error {
	got, err := r.look(shard)
	if err != nil {
		return err
	}
	want := &r.sweep.shards[shard].states[at]
	if r.recording && got.applied == want.applied {
		*want = got
	}
	if got != *want {
		return fmt.Errorf("shard %d is at %v with digest %v, want %v with %v, and the same content",
			shard, got.applied, got.digest, want.applied, want.digest)
	}
	return nil
}
