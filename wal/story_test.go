package wal

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// modelShard is what a shard's log should hold.
type modelShard struct {
	record  replication.TermRecord
	base    replication.EntryID
	entries []replication.Entry
}

func (m modelShard) head() replication.EntryID {
	if n := len(m.entries); n > 0 {
		return m.entries[n-1].ID
	}
	return m.base
}

// after returns what an operation makes of it. What was returned before stays as it
// is.
func (m modelShard) after(op replication.LogOp) modelShard {
	switch op.Kind {
	case replication.OpTerm:
		m.record = op.Record
	case replication.OpAppend:
		m.entries = append(m.entries[:len(m.entries):len(m.entries)], op.Entries...)
	case replication.OpTruncate:
		m.entries = m.entries[:op.Truncate-m.base.Offset]
	case replication.OpReset:
		m.base, m.entries = op.Base, nil
	case replication.OpTrim:
		m.entries = m.entries[op.Base.Offset-m.base.Offset:]
		m.base = op.Base
	case replication.OpDelete:
		m = modelShard{record: op.Record}
	}
	return m
}

func (m modelShard) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+v %v", m.record, m.base)
	for _, e := range m.entries {
		fmt.Fprintf(&b, " %v=%.8q", e.ID, e.Payload)
	}
	return b.String()
}

// story drives a log and remembers, for each shard, what it was after each
// operation, and which of them were reported as durable.
type story struct {
	log *Log
	// states are by shard; the first is that of a shard of which there is nothing.
	states map[replication.ShardID][]modelShard
	// base is how many states there were when the log was opened, so that sequences
	// are told from states.
	base   map[replication.ShardID]int
	synced map[replication.ShardID]int
	// terms are those of random entries. Whatever drops entries raises it, so that no
	// two different entries share an id.
	terms  map[replication.ShardID]int64
	serial int
}

func newStory(l *Log) *story {
	return &story{
		log: l, states: map[replication.ShardID][]modelShard{}, base: map[replication.ShardID]int{},
		synced: map[replication.ShardID]int{}, terms: map[replication.ShardID]int64{},
	}
}

func (s *story) last(shard replication.ShardID) modelShard {
	if len(s.states[shard]) == 0 {
		s.states[shard] = []modelShard{{}}
	}
	return s.states[shard][len(s.states[shard])-1]
}

// submit gives the log an operation.
func (s *story) submit(shard replication.ShardID, op replication.LogOp) {
	before := s.last(shard)
	op.Sequence = uint64(len(s.states[shard]) - s.base[shard])
	s.states[shard] = append(s.states[shard], before.after(op))
	s.log.Submit(shard, op)
}

// append appends entries of a term, each with a payload that nothing else has.
func (s *story) append(shard replication.ShardID, term int64, n, bytes int) {
	var entries []replication.Entry
	head := s.last(shard).head()
	for range n {
		s.serial++
		payload := fmt.Sprintf("%d/%d ", shard, s.serial)
		payload += strings.Repeat("x", max(bytes-len(payload), 0))
		head = replication.EntryID{Term: max(replication.Term(term), head.Term, 1), Offset: head.Offset + 1}
		entries = append(entries, replication.Entry{ID: head, Timestamp: replication.Timestamp(s.serial), Payload: []byte(payload)})
	}
	s.submit(shard, appendOf(0, entries...))
}

// sync syncs the log, and notes what it reports.
func (s *story) sync() error {
	durable, err := s.log.Sync()
	for _, d := range durable {
		s.synced[d.Shard] = s.base[d.Shard] + int(d.Sequence)
	}
	return err
}

// reopened goes on with a log that was opened again, which holds for each shard the
// state that is told.
func (s *story) reopened(l *Log, at map[replication.ShardID]int) {
	s.log = l
	for shard, n := range at {
		s.states[shard] = s.states[shard][:n+1]
		s.base[shard] = n
		s.synced[shard] = n
	}
}

// found says which state of each shard a log holds, entries included, or what is
// wrong with it. Nothing may be older than what was reported.
func (s *story) found(l *Log) (map[replication.ShardID]int, error) {
	at := map[replication.ShardID]int{}
	for shard := range s.states {
		r := recoveredOf(l, shard)
		if r.Amnesia || r.Damaged != 0 {
			return nil, fmt.Errorf("shard %d: damaged up to %d, amnesia %v", shard, r.Damaged, r.Amnesia)
		}
		got := modelShard{record: r.Record, base: r.History.Base(), entries: entriesOf(l, shard)}
		n := len(s.states[shard]) - 1
		for n >= 0 && !same(got, s.states[shard][n]) {
			n--
		}
		if n < s.synced[shard] {
			return nil, fmt.Errorf("shard %d: found\n%v, which is state %d; state %d was synced:\n%v",
				shard, got, n, s.synced[shard], s.states[shard][s.synced[shard]])
		}
		at[shard] = n
	}
	if l.Doubtful() {
		return nil, fmt.Errorf("the log is doubtful")
	}
	for _, r := range l.Recovered() {
		if _, known := s.states[r.Shard]; !known {
			return nil, fmt.Errorf("shard %d was invented: %+v", r.Shard, r)
		}
	}
	return at, nil
}

func same(a, b modelShard) bool {
	if a.record != b.record || a.base != b.base || len(a.entries) != len(b.entries) {
		return false
	}
	for i := range a.entries {
		if !reflect.DeepEqual(a.entries[i], b.entries[i]) {
			return false
		}
	}
	return true
}

// storyOptions make every part of the log have something to do in a short story.
func storyOptions(fs vfs.FS) Options {
	o := testOptions(fs)
	o.CacheBytes = 600
	o.CarryAboveBytes = 2 * minSegmentBytes
	return o
}

// chapter is one batch of a story.
type chapter func(s *story)

// chapters is a workload in which everything happens: terms, appends, truncation,
// reset, trimming, deletion, many segments, and a shard (9) that is hardly ever
// written to, and has to be carried forward.
func chapters() []chapter {
	all := []chapter{
		func(s *story) { s.submit(9, termOf(0, 1)); s.append(9, 1, 3, 60) },
		func(s *story) { s.submit(1, termOf(0, 1)); s.submit(2, termOf(0, 1)) },
		func(s *story) { s.append(1, 1, 2, 100); s.append(2, 1, 1, 300) },
		func(s *story) { s.append(1, 1, 3, 200) },
		func(s *story) { s.submit(1, termOf(0, 2)); s.submit(1, truncateOf(0, 3)); s.append(1, 2, 2, 150) },
		func(s *story) { s.append(2, 1, 8, 200); s.submit(3, termOf(0, 1)) },
		func(s *story) { s.append(1, 2, 4, 300); s.append(3, 1, 1, 50) },
		func(s *story) { s.submit(2, resetOf(0, 3, 40)); s.append(2, 4, 1, 500) },
		func(s *story) { s.submit(3, deleteOf(0)); s.append(1, 2, 6, 300) },
		func(s *story) { s.trimAll(1); s.append(2, 4, 6, 300) },
		func(s *story) { s.submit(9, termOf(0, 5)); s.append(1, 5, 3, 300) },
		func(s *story) { s.submit(3, termOf(0, 7)); s.append(3, 7, 2, 20); s.append(2, 4, 6, 300) },
	}
	for range 8 {
		all = append(all,
			func(s *story) { s.trimAll(2); s.append(1, 5, 4, 400) },
			func(s *story) { s.trimAll(1); s.append(2, 6, 4, 400) },
		)
	}
	return append(all,
		func(s *story) { s.append(9, 6, 1, 60) },
		func(s *story) { s.submit(1, truncateOf(0, int64(s.last(1).base.Offset)+1)) },
		func(s *story) { s.append(1, 8, 1, 10) },
	)
}

// trimAll trims a shard up to the entry before its last one.
func (s *story) trimAll(shard replication.ShardID) {
	m := s.last(shard)
	if n := len(m.entries); n > 1 {
		s.submit(shard, replication.LogOp{Kind: replication.OpTrim, Base: m.entries[n-2].ID})
	}
}

// randomOp gives the log an operation that fits.
func (s *story) randomOp(rng *rand.Rand) {
	shard := replication.ShardID(1 + rng.IntN(3))
	m := s.last(shard)
	span := len(m.entries)
	s.terms[shard] = max(s.terms[shard], 1)
	switch rng.IntN(12) {
	case 0:
		op := termOf(0, int64(m.head().Term)+1)
		op.Record.Replica = replication.ReplicaID(len(s.states[shard]))
		s.submit(shard, op)
	case 1:
		s.terms[shard]++
		s.submit(shard, truncateOf(0, int64(m.base.Offset)+int64(rng.IntN(span+1))))
	case 2:
		s.terms[shard] += 2
		s.submit(shard, resetOf(0, s.terms[shard]-1, int64(m.head().Offset)+5))
	case 3, 4:
		if span > 0 {
			s.submit(shard, replication.LogOp{Kind: replication.OpTrim, Base: m.entries[rng.IntN(span)].ID})
		}
	case 5:
		if rng.IntN(3) == 0 {
			s.terms[shard]++
			s.submit(shard, deleteOf(0))
		}
	default:
		s.terms[shard] += int64(rng.IntN(2))
		s.append(shard, s.terms[shard], 1+rng.IntN(4), rng.IntN(200))
	}
}
