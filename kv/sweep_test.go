package kv

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// A sweep is a recorded workload that is interrupted at every single call of the
// file system, in one run after another. What is found then is held against what
// the workload had done without an accident.

// sweepStep is one thing that is done to the database.
type sweepStep struct {
	name  string
	shard ShardID
	do    func(*DB) error
	// durable says that what the step leads to survives when it has returned: for its
	// shard, or, if it has none, for all shards as the steps before left them.
	durable bool
}

// sweepTableBytes is the size of staged tables, so that a snapshot takes several.
const sweepTableBytes = 6 << 10

// noShard is the shard of a flush.
const noShard ShardID = -1

// sweep is a workload, and the content of each shard after so many of its steps.
type sweep struct {
	steps    []sweepStep
	shards   []ShardID
	contents map[ShardID][]string
	digests  map[ShardID][]Digest
}

// newSweep records a workload of writes, flushes, snapshots that are installed and
// shards that are deleted: with and without something in memory, over something
// that was there and over nothing, and a shard that comes back.
func newSweep(t *testing.T) *sweep {
	rng := rand.New(rand.NewPCG(9, 9))
	from := openForTest(t)
	log := sweepLog(rng, 20)
	mustApply(t, from, 1, log[:12])
	snapshot := wholeExport(t, from, 1, func() int { return 10_000 })
	mustApply(t, from, 2, log[:7])
	other := wholeExport(t, from, 2, func() int { return blockBytes })

	apply := func(shard ShardID, first, last int64) sweepStep {
		return sweepStep{
			name: fmt.Sprintf("apply %d to %d", first, last), shard: shard,
			do: func(db *DB) error { _, err := db.Apply(shard, log[first-1:last]); return err },
		}
	}
	flush := sweepStep{name: "flush", shard: noShard, durable: true, do: (*DB).Flush}
	install := func(shard ShardID, parts []SnapshotPart) sweepStep {
		return sweepStep{name: "install", shard: shard, durable: true, do: func(db *DB) error {
			for _, part := range parts {
				if _, err := db.Import(shard, part); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	remove := func(shard ShardID) sweepStep {
		return sweepStep{name: "delete", shard: shard, durable: true, do: func(db *DB) error { return db.DeleteShard(shard) }}
	}
	s := &sweep{shards: []ShardID{1, 2, 3}, steps: []sweepStep{
		apply(1, 1, 3), apply(2, 1, 2), flush, apply(1, 4, 5), apply(2, 3, 6), apply(3, 1, 4),
		install(2, snapshot), apply(1, 6, 9), apply(2, 13, 15), remove(3), flush,
		apply(2, 16, 20), remove(1), apply(3, 1, 5), apply(1, 1, 2), install(3, other), apply(3, 8, 9),
		flush, remove(2), install(2, other), apply(1, 3, 4),
	}}
	s.record(t)
	return s
}

// sweepLog is a log of puts of few keys. Two or three of its values fill a staged
// table.
func sweepLog(rng *rand.Rand, last int64) []Entry {
	var entries []Entry
	for i := range last {
		value := make([]byte, rng.IntN(2*sweepTableBytes/3))
		for j := range value {
			value[j] = byte(rng.Uint32())
		}
		entries = append(entries, Entry{
			ID: EntryID{Term: 1 + i/9, Offset: i + 1}, Timestamp: uint64(i),
			Payload: sweepPayload(i, putOf(fmt.Sprintf("key %d", rng.IntN(8)), string(value))),
		})
	}
	return entries
}

// sweepPayload makes a part of the puts those of named requests, of a session, and
// into indexes, so that there are rows of all kinds.
func sweepPayload(i int64, put *api.WriteRequest) []byte {
	switch i % 10 {
	case 1:
		return CreateSessionPayload(time.Second, "")
	case 3, 4:
		put.Puts[0].SessionId = proto.Int64(2)
		put.Puts[0].SecondaryIndexes = []*api.SecondaryIndex{{IndexName: "i", SecondaryKey: fmt.Sprint(i)}}
	case 5, 6:
		return namedWrite(&api.RequestName{Client: clientName('a'), Sequence: uint64(i), Low: uint64(i) - 4}, put)
	case 8:
		return TrimNotificationsPayload(i - 3)
	case 9:
		return ExpireSessionsPayload(2, i)
	}
	return mustPayload(put)
}

// record runs the workload without an accident.
func (s *sweep) record(t *testing.T) {
	db := openForTest(t)
	s.contents, s.digests = map[ShardID][]string{}, map[ShardID][]Digest{}
	for i := 0; ; i++ {
		for _, shard := range s.shards {
			digest, _, err := db.Digest(shard)
			if err != nil {
				t.Fatal(err)
			}
			s.contents[shard] = append(s.contents[shard], contentOf(t, db, shard))
			s.digests[shard] = append(s.digests[shard], digest)
		}
		if i == len(s.steps) {
			return
		}
		if err := s.steps[i].do(db); err != nil {
			t.Fatalf("%s: %v", s.steps[i].name, err)
		}
	}
}

// progress is how far a run has come.
type progress struct {
	mu sync.Mutex
	// begun steps may have had an effect, ended ones are done.
	begun, ended int
}

func (p *progress) set(begun, ended int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun, p.ended = begun, ended
}

// now returns a copy.
func (p *progress) now() (begun, ended int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun, p.ended
}

// run does the steps until one fails, from the opening of the database to its end.
// While the database is closed, what was applied becomes durable.
func (s *sweep) run(fs vfs.FS, p *progress, logger *slog.Logger) error {
	db, err := s.open(fs, logger)
	if err != nil {
		return err
	}
	for i, step := range s.steps {
		p.set(i+1, i)
		if err := step.do(db); err != nil {
			_ = db.Close() // the first error counts
			return fmt.Errorf("step %d, %s: %w", i, step.name, err)
		}
		p.set(i+1, i+1)
	}
	return db.Close()
}

func (s *sweep) open(fs vfs.FS, logger *slog.Logger) (*DB, error) {
	db, err := Open(Options{
		FS: fs, Dir: "db", Logger: logger, CacheBytes: 1 << 20, MemTableBytes: 256 << 10, DisableCompactions: true,
		CheckEvery: checkEveryForTest,
	})
	if err == nil {
		db.stagedTableBytes = sweepTableBytes
	}
	return db, err
}

// durable is how many steps a shard must have behind it, where so many have ended.
func (s *sweep) durable(shard ShardID, ended int) int {
	for i := ended - 1; i >= 0; i-- {
		if step := s.steps[i]; step.durable && (step.shard == shard || step.shard == noShard) {
			return i + 1
		}
	}
	return 0
}

// check holds what is found after an accident against the record. Each shard is in
// a state that it had, no earlier than the durable one and no later than the last
// one begun; and going on from there leads to the end that was recorded, digests
// included.
func (s *sweep) check(t failer, fs *vfs.MemFS, begun, ended int) {
	t.Helper()
	db, err := s.open(fs, nil)
	if err != nil {
		t.Fatalf("open after %d steps: %v", ended, err)
	}
	defer mustClose(t, db)
	if left := stagedFiles(t, &disk{fs: fs}); len(left) > 0 {
		t.Fatalf("staged still: %v", left)
	}
	for _, shard := range s.shards {
		from := s.durable(shard, ended)
		at := -1
		content := contentOf(t, db, shard)
		for i := begun; i >= from && at < 0; i-- {
			if s.contents[shard][i] == content {
				at = i
			}
		}
		if at < 0 {
			t.Fatalf("shard %d, at %s, is in none of its states from step %d to %d", shard, mustApplied(t, db, shard), from, begun)
		}
		for i := at; i < len(s.steps); i++ {
			if s.steps[i].shard != shard {
				continue
			}
			if err := s.steps[i].do(db); err != nil {
				t.Fatalf("shard %d, going on with step %d, %s: %v", shard, i, s.steps[i].name, err)
			}
			digest, _, err := db.Digest(shard)
			if err != nil || digest != s.digests[shard][i+1] {
				t.Fatalf("shard %d, going on, has digest %s after step %d, %v", shard, digest, i, err)
			}
		}
		if contentOf(t, db, shard) != s.contents[shard][len(s.steps)] {
			t.Fatalf("shard %d, going on, ends in another state", shard)
		}
	}
}

// A crash at any call of the file system, whatever part of what was not synced is
// left, loses nothing that was said to be durable and invents nothing.
func TestCrashSweep(t *testing.T) {
	s := newSweep(t)
	crashes := 0
	for at, done := 0, false; !done; at++ {
		var clones [3]*vfs.MemFS
		var begun, ended int
		var p progress
		disk := newStepper(vfs.NewCrashableMem())
		crash := func() error {
			begun, ended = p.now()
			for i, percent := range []int{0, 50, 100} {
				clones[i] = disk.mem.CrashClone(vfs.CrashCloneCfg{
					UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(at), uint64(percent))),
				})
			}
			return nil
		}
		disk.begin(at, crash)
		if err := s.run(disk.fs, &p, nil); err != nil {
			t.Fatal(err)
		}
		if at >= disk.end() {
			_ = crash()
			done = true
		}
		for _, clone := range clones {
			s.check(t, clone, begun, ended)
			crashes++
		}
	}
	t.Logf("%d crashes in %d steps", crashes, len(s.steps))
}
