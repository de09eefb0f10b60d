package replication

import (
	"fmt"
	"slices"
)

// ReplicaState is what a replica shows of itself, to traces, status and tests.
type ReplicaState struct {
	Member  Member
	Term    TermID
	Role    Role
	Leader  Member
	Serving bool
	// Base is the entry before the first in the log.
	Base    EntryID
	Head    EntryID
	Durable Offset
	Commit  Offset
	Applied Offset
	// Applying is the last offset that was given to the state machine.
	Applying Offset
	// Incoming is the snapshot that arrives; zero if none does. Installing is set
	// while the state machine installs it.
	Incoming   IncomingState
	Installing bool
	// Needs is how far a snapshot has to go to repair this replica; zero while it
	// is whole. A damaged replica votes, but neither leads nor applies.
	Needs   Offset
	Pending int
	Reads   int
	// Fenced, Following and Leading are what only that role has; two are nil.
	Fenced    *FencedState
	Following *FollowingState
	Leading   *LeadingState
}

// IncomingState is a snapshot up to and including the entry Last, which the leader
// of a term sends, and of which Kept bytes are here. Importing is set while the
// state machine takes a part.
type IncomingState struct {
	Term      TermID
	Last      EntryID
	Kept      int64
	Importing bool
}

// FencedState is what a fenced replica has.
type FencedState struct {
	// MayLead: it was fenced by a NewTerm in this run.
	MayLead bool
	// Owes: an answer to NewTerm waits for the log.
	Owes bool
}

// FollowingState is what a follower has.
type FollowingState struct {
	// Matched is the offset up to which the log is the same as the leader's, Acked
	// what the leader was told of that last.
	Matched, Acked Offset
}

// LeadingState is what a leader has.
type LeadingState struct {
	Ensemble, Joining []Member
	// Barrier is the offset of the term's first entry.
	Barrier Offset
	// Followers are the other voters and the learners.
	Followers []FollowerState
	// Round is the last read round, Confirmed who confirmed it.
	Round     uint64
	Confirmed []Member
	// Disputed are members whose states differ from the leader's where they were
	// last compared. Where most voters agree, it ends with a quarantine; where too
	// few do to tell who is right, it is an operator's to decide.
	Disputed []Member
}

// FollowerState is a member as its leader knows it.
type FollowerState struct {
	Member Member
	// Match is the highest offset known to be durable there.
	Match Offset
	// Needs is that of the member's own state, as it last told.
	Needs Offset
	// Silent says that the leader's server does not hear the member's.
	Silent bool
	// Compared is the newest offset at which the member's state was held against the
	// leader's in this term; zero if none was yet.
	Compared Offset
}

// State returns a picture of the replica, which shares nothing with it.
func (r *Replica) State() ReplicaState {
	_, leader, _ := r.Leader()
	s := ReplicaState{
		Member: r.self, Term: r.term, Role: r.role.kind(), Leader: leader, Serving: r.Serves(),
		Base: r.log.history.Base(), Head: r.log.head(), Durable: r.log.durable,
		Commit: r.commit, Applied: r.applied, Applying: r.applying,
		Incoming: IncomingState{
			Term: r.incoming.term, Last: r.incoming.last, Kept: r.incoming.kept, Importing: r.incoming.importing,
		},
		Installing: r.incoming.installing,
		Needs:      r.needed(),
		Pending:    len(r.pending),
	}
	switch role := r.role.(type) {
	case *fencedRole:
		s.Fenced = &FencedState{MayLead: role.mayLead, Owes: len(role.answer) > 0}
	case *followerRole:
		s.Following = &FollowingState{Matched: role.matched, Acked: role.acked}
	case *leaderRole:
		s.Reads = role.reads.count()
		s.Leading = r.leading(role)
		s.Leading.Disputed = r.disputed(role)
	}
	return s
}

func (r *Replica) leading(l *leaderRole) *LeadingState {
	s := &LeadingState{
		Ensemble: slices.Clone(l.voters.Ensemble), Joining: slices.Clone(l.voters.Joining),
		Barrier: l.barrier, Round: l.reads.round, Confirmed: slices.Clone(l.reads.confirmed),
		Followers: make([]FollowerState, len(l.cursors)),
	}
	for i, c := range l.cursors {
		s.Followers[i] = FollowerState{Member: c.member, Match: c.match, Needs: c.needs, Silent: r.isSilent(c.member.Server)}
		if check, told := r.compared(&c); told {
			s.Followers[i].Compared = check.Offset
		}
	}
	return s
}

func (s ReplicaState) String() string {
	text := fmt.Sprintf("%v %v %v head=%v durable=%d commit=%d applied=%d",
		s.Member, s.Role, s.Term, s.Head, s.Durable, s.Commit, s.Applied)
	if s.Base != (EntryID{}) {
		text += fmt.Sprintf(" base=%v", s.Base)
	}
	if s.Installing {
		text += " installing"
	}
	if s.Needs != 0 {
		text += fmt.Sprintf(" needs=%d", s.Needs)
	}
	if s.Leading != nil && len(s.Leading.Disputed) > 0 {
		text += fmt.Sprintf(" disputed=%v", s.Leading.Disputed)
	}
	return text
}

// ElectionState is what an election shows of itself.
type ElectionState struct {
	Phase    string
	Document Document
	Mine     TermID
	// Highest is the highest term that anybody mentioned.
	Highest Term
	// Asked is the term whose leader asked to be replaced.
	Asked TermID
	// Answers are those to the present questions, Heads those to the last fence.
	Answers []AnswerState
	Heads   []MemberHead
	// Chosen is whom the last fence ended with, Failed who did not become leader
	// when last chosen; zero if nobody.
	Chosen, Failed Member
	// Store is the document that is being written; nil if none is.
	Store *Document
}

// AnswerState is what a member says of its leader.
type AnswerState struct {
	Member                Member
	Leads, Hears, Serving bool
}

// State returns a picture of the election, which shares nothing with it.
func (e *Election) State() ElectionState {
	s := ElectionState{
		Phase: e.phase.String(), Document: e.doc.Clone(), Mine: e.mine, Highest: e.highest,
		Asked: e.asked, Chosen: e.fence.chosen, Failed: e.failed,
	}
	for _, a := range e.question.answers {
		s.Answers = append(s.Answers, AnswerState{Member: a.member, Leads: a.leads, Hears: a.hears, Serving: a.serving})
	}
	for _, a := range e.fence.answers {
		s.Heads = append(s.Heads, MemberHead{Member: a.member, Head: a.head})
	}
	if e.store != nil {
		doc := e.store.Clone()
		s.Store = &doc
	}
	return s
}
