package replication

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// ServerID names a data server for its whole life. It is never reused for
// another disk: a wiped server keeps its name and draws a new Incarnation.
type ServerID string

// ShardID names a shard; ids are unique in the cluster, not in a namespace.
type ShardID int64

// ReplicaID names one replica of one shard. The coordinator allocates it in the
// shard's document and never reuses it; zero is "no replica".
type ReplicaID int64

// RunID names one run of one server process, so that what a peer remembers of an
// earlier run is never mistaken for this one. The runs of a server ascend, from
// 1: whoever starts a process takes a number above the last one kept on its
// disk, and not below the clock's, should the disk be new.
type RunID uint64

// Incarnation names one formatting of a server's disk, drawn at random then. A
// server whose incarnation changed has lost its data. Zero is "not known yet".
type Incarnation uint64

// NoDisk is written in the place of a member's incarnation when its disk has lost
// what the replica had promised. No disk is given this number.
const NoDisk Incarnation = math.MaxUint64

// Server is who a process is: a server, in one run, on one disk.
type Server struct {
	ID          ServerID
	Run         RunID
	Incarnation Incarnation
}

// Term numbers the reigns of a shard, from 1; zero is "never fenced".
type Term int64

// ElectionID is the random part of a term, written by the very compare-and-set
// that created it. Two runs of a coordinator that believe they own one number
// are told apart by it.
type ElectionID uint64

// TermID is a term as it travels and as it is stored: the number orders, the
// election id tells owners apart.
type TermID struct {
	Term     Term
	Election ElectionID
}

func (t TermID) String() string {
	if t.Term == 0 {
		return "t0"
	}
	return fmt.Sprintf("t%d/%x", t.Term, uint64(t.Election)&0xffff)
}

// Offset is a position in a shard's log, from 1 and without gaps; zero is "before
// the first entry".
type Offset int64

// EntryID identifies an entry: no two different entries of a shard ever share
// one. The zero EntryID is the head of an empty log.
type EntryID struct {
	Term   Term
	Offset Offset
}

// Compare orders heads as elections do: by term, then by offset (Raft, section
// 5.4.1).
func (e EntryID) Compare(o EntryID) int {
	return cmp.Or(cmp.Compare(e.Term, o.Term), cmp.Compare(e.Offset, o.Offset))
}

func (e EntryID) String() string { return fmt.Sprintf("%d.%d", e.Term, e.Offset) }

// Timestamp is a leader's wall clock in milliseconds since the Unix epoch. It
// only ever reaches the state machine; the protocol decides nothing by it.
type Timestamp int64

// Entry is one position of a shard's log. The payload is opaque to the core,
// and is never changed once it is in an Entry: it is shared, not copied, among
// the log, the transport and the state machine.
type Entry struct {
	ID        EntryID
	Timestamp Timestamp
	Payload   []byte
}

// entryOverhead is what an entry is counted as beside its payload, so that
// empty entries cannot escape a byte limit.
const entryOverhead = 32

func (e Entry) size() int { return len(e.Payload) + entryOverhead }

// Member is one replica of a shard and the server that holds it.
type Member struct {
	Server  ServerID
	Replica ReplicaID
}

func (m Member) String() string { return fmt.Sprintf("%s#%d", m.Server, m.Replica) }

// Instant is a reading of a server's monotonic clock since an arbitrary start.
// Instants of two servers, or of two runs, are never compared.
type Instant time.Duration

// Never is the instant of a timer that is not set.
const Never Instant = 0

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time from o to i.
func (i Instant) Sub(o Instant) time.Duration { return time.Duration(i - o) }

// Time is what a step is told of time: a monotonic instant for timers, and a
// wall clock for the timestamps of entries.
type Time struct {
	Mono Instant
	Wall Timestamp
}

// earliest returns the sooner of two timers, either of which may be Never.
func earliest(a, b Instant) Instant {
	if a == Never || (b != Never && b < a) {
		return b
	}
	return a
}

// due reports whether a timer is set and has come.
func due(timer, now Instant) bool { return timer != Never && timer <= now }
