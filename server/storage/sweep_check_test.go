package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// readEntries reads entries from a log, from one offset to another.
func readEntries(log *wal.Log, shard replication.ShardID, first, last replication.Offset) ([]replication.Entry, error) {
	var entries []replication.Entry
	for first <= last {
		log.Read(shard, 1, first, int(last-first+1)*200)
		answers := log.Reads()
		if len(answers) != 1 || len(answers[0].Read.Entries) == 0 {
			return nil, fmt.Errorf("shard %d: entries from %d on are not read from %+v, but %+v: %w", shard, first, log.Recovered(), answers, errUnread)
		}
		for _, e := range answers[0].Read.Entries {
			if e.ID.Offset <= last {
				entries = append(entries, e)
			}
		}
		first = entries[len(entries)-1].ID.Offset + 1
	}
	return entries, nil
}

// holds holds the log of a shard against what it should be.
func holds(log *wal.Log, shard replication.ShardID, want sweepLog) error {
	var got wal.Recovered
	for _, found := range log.Recovered() {
		if found.Shard == shard {
			got = found
		}
	}
	head := got.History.Head()
	if got.Record != want.record || got.History.Base() != want.base || head != want.head() || got.Damaged != 0 || got.Amnesia {
		return fmt.Errorf("the log of shard %d is %+v, want %+v from %v to %v", shard, got, want.record, want.base, want.head())
	}
	entries, err := readEntries(log, shard, want.base.Offset+1, head.Offset)
	if err != nil {
		return err
	}
	if len(entries) != len(want.entries) || len(entries) > 0 && !reflect.DeepEqual(entries, want.entries) {
		return fmt.Errorf("the log of shard %d has entries that were not appended", shard)
	}
	return nil
}

// errNever says that a shard was found as it never was, or not since what was
// acknowledged.
var errNever = errors.New("no log and state between the two come to that")

// match says where each shard is that was found on a disk: at a log that it had, no
// older than what was acknowledged, and at such a state, which are settled.
func (r *sweepRun) match(found []Recovered, marks sweepMarks) (sweepPoints, error) {
	var at sweepPoints
	known := 0
	for shard := replication.ShardID(1); shard <= sweepShards; shard++ {
		var of *replication.Recovered
		for i := range found {
			if found[i].Shard == shard {
				of = &found[i].Found
				known++
			}
		}
		got, err := r.look(shard)
		if err != nil {
			return at, fmt.Errorf("shard %d: %w", shard, err)
		}
		point, err := r.matchShard(shard, of, got, marks[shard])
		if err != nil {
			return at, fmt.Errorf("shard %d: found %+v, with the state at %v, %v; acknowledged %s, asked %s: %w", shard, of,
				got.applied, got.digest, r.sweep.show(shard, marks[shard].acked), r.sweep.show(shard, marks[shard].asked), err)
		}
		at[shard] = point
	}
	if known != len(found) {
		return at, fmt.Errorf("a shard was invented: %+v", found)
	}
	return at, nil
}

func (s *sweep) show(shard replication.ShardID, at sweepPoint) string {
	log := s.shards[shard].logs[at.log]
	return fmt.Sprintf("%+v from %v to %v and the state at %v (%+v)",
		log.record, log.base, log.head(), s.shards[shard].states[at.state].applied, at)
}

// matchShard looks for the newest log and state that a shard may have come from.
func (r *sweepRun) matchShard(shard replication.ShardID, found *replication.Recovered, got sweepState, mark sweepMark) (sweepPoint, error) {
	none := errNever
	of := &r.sweep.shards[shard]
	for state := mark.asked.state; state >= mark.acked.state; state-- {
		if of.states[state] != got {
			continue
		}
		for log := mark.asked.log; log >= mark.acked.log; log-- {
			want, applied, damaged := of.logs[log].settled(got.applied)
			if found == nil {
				if want.record.Replica == 0 && got.applied == (replication.EntryID{}) {
					return sweepPoint{log, state}, nil
				}
				continue
			}
			if found.Record == want.record && found.History.Base() == want.base && found.History.Head() == want.head() &&
				found.Applied == applied && found.Damaged == damaged {
				err := holds(r.disk.Log(), shard, want)
				if err == nil {
					return sweepPoint{log, state}, nil
				}
				none = err
			}
		}
	}
	return sweepPoint{}, none
}

// check opens what an accident left of a disk, and holds it against what was
// acknowledged and what was asked for by then. Then it goes on with the workload.
// While the disk is opened there is another crash, before that call of the file system
// (of those that change anything) that the random numbers say, and the same is done
// with what that leaves.
func (s *sweep) check(fs *vfs.MemFS, marks sweepMarks, rng *rand.Rand) error {
	var again *vfs.MemFS
	disk := &stepper{mem: fs, only: changes}
	if rng != nil {
		at, percent := rng.IntN(40), 50*rng.IntN(3)
		disk.happens = func(step int, _ errorfs.Op) error {
			if step == at {
				again = disk.crashed(percent, rng)
			}
			return nil
		}
	}
	r := s.newRun(errorfs.Wrap(fs, disk), nil)
	found, err := r.open()
	disk.end()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if err := r.checkFound(fs, found, marks); err != nil {
		return err
	}
	if again == nil {
		return nil
	}
	if err := s.check(again, marks, nil); err != nil {
		return fmt.Errorf("after another crash: %w", err)
	}
	return nil
}

func (r *sweepRun) checkFound(fs *vfs.MemFS, found []Recovered, marks sweepMarks) error {
	at, err := r.match(found, marks)
	if err == nil {
		err = r.lasts(fs, found)
	}
	for i := range at {
		r.p.shards[i].acked, r.p.shards[i].asked = at[i], at[i]
	}
	for i := range found {
		shard, of := found[i].Shard, &found[i].Found
		switch {
		case err != nil:
		case of.Record.Deleted:
			asked := &r.p.shards[shard].asked
			asked.state = max(asked.state, r.sweep.lastOfReplica(shard, at[shard].log))
		default:
			err = r.replay(shard, of, marks[shard].commit)
		}
	}
	if err != nil {
		_ = r.close() // the first error counts
		return err
	}
	replayed := at
	for i := range replayed {
		replayed[i].state = r.p.shards[i].asked.state
	}
	if err := r.goOn(at, replayed); err != nil {
		return fmt.Errorf("going on: %w", err)
	}
	return nil
}

// lastOfReplica returns the last state of a replica whose log was deleted. Nothing more
// is applied to it, and so it counts as reached.
func (s *sweep) lastOfReplica(shard replication.ShardID, deleted int) int {
	gone := false
	for i := range s.acts {
		a := &s.acts[i]
		gone = gone || a.shard == shard && a.kind == actSubmit && a.at == deleted
		if gone && a.shard == shard && a.kind == actDelete {
			return a.at - 1
		}
	}
	return 0
}

// lasts reports whether what was found, of which the replicas may tell others now, is
// what a crash leaves of the log.
func (r *sweepRun) lasts(fs *vfs.MemFS, found []Recovered) error {
	o := r.options
	o.FS = fs.CrashClone(vfs.CrashCloneCfg{})
	log, err := openLog(&o)
	if err != nil {
		return fmt.Errorf("open the log after another crash: %w", err)
	}
	defer func() { _ = log.Close() }() // it was only looked at
	for _, after := range log.Recovered() {
		for i := range found {
			of := &found[i].Found
			if found[i].Shard == after.Shard && (of.Record != after.Record || of.History.String() != after.History.String()) {
				return fmt.Errorf("shard %d: found %+v, and another crash leaves %+v", after.Shard, of, after)
			}
		}
	}
	return nil
}

// replay applies what is committed and not applied, at once, as the log has it. That
// leads to the state that it led to without an accident.
func (r *sweepRun) replay(shard replication.ShardID, found *replication.Recovered, commit replication.EntryID) error {
	if found.Damaged != 0 || commit.Offset <= found.Applied.Offset {
		return nil
	}
	if !found.History.Contains(commit) {
		return fmt.Errorf("shard %d: committed entry %v is not in %v", shard, commit, &found.History)
	}
	entries, err := readEntries(r.disk.Log(), shard, found.Applied.Offset+1, commit.Offset)
	if err == nil {
		err = r.applyEntries(shard, entries)
	}
	if err != nil {
		return err
	}
	states := r.sweep.shards[shard].states
	asked := &r.p.shards[shard].asked
	for states[asked.state].applied != commit {
		if asked.state++; asked.state == len(states) {
			return fmt.Errorf("shard %d: it never was at %v", shard, commit)
		}
	}
	return r.compare(shard, asked.state)
}

// stepper is a file system in memory of which something happens just before some of
// its calls.
type stepper struct {
	mem *vfs.MemFS
	// only says which calls count.
	only func(errorfs.Op) bool

	// The storage engine's own goroutines use the file system too.
	mu    sync.Mutex
	steps int
	// happens is asked before each step, and may make it fail.
	happens func(step int, op errorfs.Op) error
}

// changes reports whether a call changes anything.
func changes(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }

// MaybeError implements errorfs.Injector.
func (s *stepper) MaybeError(op errorfs.Op) error {
	if !s.only(op) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps++
	if s.happens == nil {
		return nil
	}
	return s.happens(s.steps-1, op)
}

// String implements errorfs.Injector.
func (s *stepper) String() string { return "a step" }

// end returns how many steps were taken. Nothing happens before any from now on.
func (s *stepper) end() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happens = nil
	return s.steps
}

// crashed is a copy of the file system as a crash may leave it.
func (s *stepper) crashed(percent int, rng *rand.Rand) *vfs.MemFS {
	return s.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
}
