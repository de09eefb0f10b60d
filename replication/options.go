package replication

import (
	"fmt"
	"time"
)

// Options are the timers and limits of replicas, elections and nodes. All
// members of a cluster should use the same. The zero value is not valid; start
// from DefaultOptions.
type Options struct {
	// ResendAfter is how long an answer may take before the question is sent
	// again: a few round trips, durable steps included.
	ResendAfter time.Duration
	// CommitAfter is how long a quiet leader waits before it tells followers the
	// last commit offset by a message of its own; a busy one tells with the next
	// entries.
	CommitAfter time.Duration

	// RetryAfter is how long a node waits before it offers a request again that a
	// server refused because it does not serve yet.
	RetryAfter time.Duration

	// BeatEvery is how often a server lets each peer hear it, at least.
	BeatEvery time.Duration
	// SilentAfter is after how long without hearing a peer it counts as silent.
	// At least three times BeatEvery, or single losses start questions.
	SilentAfter time.Duration

	// QuestionFor is how long a coordinator waits for answers to its questions.
	QuestionFor time.Duration
	// GraceFor is how long it waits, once a quorum is fenced, for the rest of the
	// members that are not silent.
	GraceFor time.Duration
	// LeadWithin is how long a chosen replica may take to accept a BecomeLeader.
	LeadWithin time.Duration
	// ElectWithin is how long a shard may be without a leader, or a chosen
	// replica take until its barrier commits, before a coordinator starts over; a
	// leader that gets nowhere for twice as long asks to be replaced.
	ElectWithin time.Duration
	// BackoffMost is the most that a coordinator waits at random before it
	// competes with rivals, or tries again.
	BackoffMost time.Duration
	// StoreWithin is how long the answer of the metadata store may take.
	StoreWithin time.Duration

	// Barrier is the payload of the entry that begins each term; the settings of the
	// shard's document follow it. Both are the state machine's business; nil will do
	// for one that does not look at it.
	Barrier []byte

	// MaxAppendBytes bounds the entries of one Append (one entry may exceed it).
	MaxAppendBytes int
	// MaxInflight bounds the entries sent to one follower and not yet acked.
	MaxInflight int
	// MaxEarly bounds the Appends that a follower keeps until their turn. What finds
	// no room is sent again after ResendAfter, so that over a transport which reorders
	// more messages than this, entries go at that pace.
	MaxEarly int
	// TailBytes bounds the newest entries that a replica keeps in memory for
	// followers and the state machine; older ones are read from the log.
	TailBytes int
	// MaxApplyBytes bounds one batch for the state machine.
	MaxApplyBytes int
	// MaxSnapshotBytes bounds one part of a snapshot.
	MaxSnapshotBytes int
	// MaxPending bounds a leader's proposals without an outcome.
	MaxPending int
	// MaxLag is by how many entries a learner may lag behind the leader when it is
	// given a vote.
	MaxLag int
	// MaxReads bounds a leader's reads that wait.
	MaxReads int
	// MaxMail bounds the messages of peers that wait for one shard; more are
	// dropped, as a transport may.
	MaxMail int
	// MaxRequests bounds a node's own clients' requests without an outcome, and
	// what it remembers of each other origin's.
	MaxRequests int
}

// DefaultOptions suits servers a few hundred microseconds apart.
func DefaultOptions() Options {
	return Options{
		ResendAfter:      100 * time.Millisecond,
		CommitAfter:      500 * time.Millisecond,
		RetryAfter:       20 * time.Millisecond,
		BeatEvery:        50 * time.Millisecond,
		SilentAfter:      250 * time.Millisecond,
		QuestionFor:      150 * time.Millisecond,
		GraceFor:         20 * time.Millisecond,
		LeadWithin:       300 * time.Millisecond,
		ElectWithin:      time.Second,
		BackoffMost:      100 * time.Millisecond,
		StoreWithin:      time.Second,
		MaxAppendBytes:   1 << 20,
		MaxInflight:      4096,
		MaxEarly:         64,
		TailBytes:        8 << 20,
		MaxApplyBytes:    4 << 20,
		MaxSnapshotBytes: 1 << 20,
		MaxPending:       16384,
		MaxLag:           1000,
		MaxReads:         65536,
		MaxMail:          65536,
		MaxRequests:      16384,
	}
}

// Validate names the first field that is out of range, and its remedy.
func (o *Options) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"ResendAfter", o.ResendAfter}, {"CommitAfter", o.CommitAfter},
		{"RetryAfter", o.RetryAfter}, {"BeatEvery", o.BeatEvery},
		{"SilentAfter", o.SilentAfter}, {"QuestionFor", o.QuestionFor}, {"GraceFor", o.GraceFor},
		{"LeadWithin", o.LeadWithin}, {"ElectWithin", o.ElectWithin},
		{"BackoffMost", o.BackoffMost}, {"StoreWithin", o.StoreWithin},
	} {
		if d.value <= 0 {
			return fmt.Errorf("replication: option %s is %v: must be above zero", d.name, d.value)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"MaxAppendBytes", o.MaxAppendBytes}, {"MaxInflight", o.MaxInflight}, {"MaxEarly", o.MaxEarly},
		{"TailBytes", o.TailBytes}, {"MaxApplyBytes", o.MaxApplyBytes}, {"MaxSnapshotBytes", o.MaxSnapshotBytes},
		{"MaxPending", o.MaxPending}, {"MaxLag", o.MaxLag}, {"MaxReads", o.MaxReads},
		{"MaxMail", o.MaxMail}, {"MaxRequests", o.MaxRequests},
	} {
		if n.value <= 0 {
			return fmt.Errorf("replication: option %s is %d: must be above zero", n.name, n.value)
		}
	}
	if o.SilentAfter < 3*o.BeatEvery {
		return fmt.Errorf("replication: option SilentAfter is %v: must be at least three times BeatEvery (%v), "+
			"or one lost beat starts questions", o.SilentAfter, o.BeatEvery)
	}
	return nil
}
