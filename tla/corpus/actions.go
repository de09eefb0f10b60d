package corpus

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/ostraka-db/ostraka/replication"
)

// actions says for each action of the specification what the core is given.
var actions = map[string]func(p *replayer, a *act){
	"NewTerm":           (*replayer).newTerm,
	"BecomeLeader":      (*replayer).becomeLeader,
	"Propose":           (*replayer).propose,
	"AppendEntries":     (*replayer).appendEntries,
	"Stale":             (*replayer).stale,
	"Ack":               (*replayer).ack,
	"HigherTerm":        (*replayer).higherTerm,
	"LogDone":           (*replayer).logDone,
	"Applied":           (*replayer).applied,
	"Restart":           (*replayer).restart,
	"ReadIndex":         (*replayer).readIndex,
	"Confirm":           (*replayer).confirm,
	"Confirmed":         (*replayer).confirmed,
	"Flush":             (*replayer).flush,
	"Trim":              (*replayer).trim,
	"Export":            (*replayer).export,
	"SnapshotChunk":     (*replayer).snapshotChunk,
	"Imported":          (*replayer).imported,
	"DocumentStored":    (*replayer).documentStored,
	"StoreUnknown":      (*replayer).storeUnknown,
	"StoreLate":         (*replayer).storeLate,
	"CoordinatorCrash":  (*replayer).coordinatorCrash,
	"Assign":            (*replayer).assign,
	"NewTermReply":      (*replayer).newTermReply,
	"Choose":            (*replayer).choose,
	"BecomeLeaderReply": (*replayer).becomeLeaderReply,
	"GiveUp":            (*replayer).giveUp,
	"AskElection":       (*replayer).askElection,
	"Ask":               (*replayer).ask,
	"Probe":             (*replayer).probe,
	"ProbeReply":        (*replayer).probeReply,
	"QuestionsOver":     (*replayer).questionsOver,
	"CreateReplica":     (*replayer).createReplica,
	"DeleteReplica":     (*replayer).deleteReplica,
	"Wipe":              (*replayer).wipe,
	"AddFollower":       (*replayer).addFollower,
	"CompleteChange":    (*replayer).completeChange,
	"AddLearners":       (*replayer).addLearners,
	"Join":              (*replayer).join,
	"Back":              (*replayer).back,
	"ReplicaDeleted":    (*replayer).replicaDeleted,
}

// take does what an action says.
func (p *replayer) take(a *act) {
	do, known := actions[a.N]
	if !known {
		p.differ("no such action in the replay")
		return
	}
	p.coverage.action(a.N)
	if s := p.servers[a.R]; s != nil && a.C == "" && s.replica == nil && a.N != "CreateReplica" {
		p.differ("%s: no replica is there", a.R)
		return
	}
	do(p, a)
}

// receive gives a replica an envelope.
func (p *replayer) receive(to string, e replication.Envelope) {
	p.step(p.servers[to], replication.Receive{Envelope: e})
}

func (p *replayer) newTerm(a *act) {
	m := replication.NewTerm{Term: p.termID(a.T)}
	p.deliver(a.R, a.T.C, m, func(o replication.Message) bool { return o == m })
}

func (p *replayer) becomeLeader(a *act) {
	t := p.termID(a.T)
	e := p.sentTo(a.R, func(e replication.Envelope) bool {
		m, ok := e.Message.(replication.BecomeLeader)
		return ok && m.Term == t
	})
	if e == nil {
		p.differ("nobody chose %s in %v", a.R, t)
		return
	}
	p.receive(a.R, *e)
}

func (p *replayer) propose(a *act) {
	v := len(p.is.Seen.Proposed)
	p.step(p.servers[a.R], replication.Propose{Proposals: []replication.Proposal{
		{Token: proposalToken(v), Payload: []byte(strconv.Itoa(v))},
	}})
}

func proposalToken(v int) replication.Token { return replication.Token(v) }
func readToken(q int) replication.Token     { return replication.Token(1000 + q) }

// appendEntries delivers a piece of a leader's log. One that leaves a gap is
// delivered as a probe, which is answered: what a follower keeps of the others
// until their turn is a step that the specification takes later.
func (p *replayer) appendEntries(a *act) {
	g := &p.was.Net.Reign[a.T.N-1]
	gap := replication.Offset(a.Prev) > p.servers[a.R].replica.State().Head.Offset
	m := replication.Append{
		Term: p.termID(a.T), Prev: idAt(g.Log, a.Prev), Entries: entriesOf(g.Log, a.Prev, a.K),
		Commit: replication.Offset(a.Commit), Probing: gap || p.at%3 == 0,
	}
	p.deliver(a.R, g.By, m, func(o replication.Message) bool {
		sent, ok := o.(replication.Append)
		return ok && sent.Term == m.Term && sent.Prev == m.Prev && sent.Commit == m.Commit && (sent.Probing || !gap) &&
			slices.EqualFunc(sent.Entries, m.Entries, func(x, y replication.Entry) bool {
				return x.ID == y.ID && bytes.Equal(x.Payload, y.Payload)
			})
	})
}

// stale delivers whatever the leader of a lower term said.
func (p *replayer) stale(a *act) {
	g := &p.was.Net.Reign[a.T.N-1]
	t := p.termID(a.T)
	p.deliver(a.R, g.By, replication.Append{Term: t}, func(o replication.Message) bool {
		switch m := o.(type) {
		case replication.Append:
			return m.Term == t
		case replication.Confirm:
			return m.Term == t
		case replication.SnapshotChunk:
			return m.Term == t
		}
		return false
	})
}

func (p *replayer) ack(a *act) {
	t := p.termID(p.was.Rep[a.R].Term)
	upTo := replication.Offset(a.UpTo)
	p.deliver(a.R, a.Q, replication.Ack{Term: t, Match: upTo}, func(o replication.Message) bool {
		switch m := o.(type) {
		case replication.Ack:
			return m.Term == t && m.Match == upTo
		case replication.SnapshotAck:
			return m.Term == t && m.Installed && m.Last.Offset == upTo
		}
		return false
	})
}

func (p *replayer) higherTerm(a *act) {
	t := p.termID(p.was.Rep[a.R].Term)
	higher := t
	higher.Term++
	p.deliver(a.R, "", replication.HigherTerm{Term: higher}, func(o replication.Message) bool {
		m, ok := o.(replication.HigherTerm)
		return ok && m.Term.Term > t.Term
	})
}

func (p *replayer) logDone(a *act) {
	s := p.servers[a.R]
	if len(s.pending) == 0 {
		p.differ("%s: nothing was asked of the log", a.R)
		return
	}
	op := s.pending[0]
	s.pending = s.pending[1:]
	s.kept = s.kept.after(op)
	s.made = true
	p.coverage.durable(op)
	p.step(s, replication.LogDone{Sequence: op.Sequence})
}

func (p *replayer) applied(a *act) {
	s := p.servers[a.R]
	entries := s.applying
	s.applying = nil
	s.applied = append(s.applied, entries...)
	p.step(s, replication.Applied{Results: make([][]byte, len(entries))})
}

func (p *replayer) restart(a *act) {
	p.coverage.action("Restart of a " + p.was.Rep[a.R].Role)
	if !p.servers[a.R].made {
		// It was being made.
		p.servers[a.R].drop()
		return
	}
	if err := p.servers[a.R].open(&p.options); err != nil {
		p.differ("%s: %v", a.R, err)
	}
}

func (p *replayer) readIndex(a *act) {
	p.step(p.servers[a.R], replication.ReadIndex{Tokens: []replication.Token{readToken(len(p.is.Reads))}})
}

func (p *replayer) confirm(a *act) {
	g := &p.was.Net.Reign[a.T.N-1]
	m := replication.Confirm{Term: p.termID(a.T), Round: uint64(a.Round), Commit: replication.Offset(a.Commit)}
	p.deliver(a.R, g.By, m, func(o replication.Message) bool { return o == m })
}

func (p *replayer) confirmed(a *act) {
	m := replication.Confirmed{Term: p.termID(p.was.Rep[a.R].Term), Round: uint64(a.Round)}
	p.deliver(a.R, a.Q, m, func(o replication.Message) bool {
		sent, ok := o.(replication.Confirmed)
		return ok && sent.Term == m.Term && sent.Round == m.Round
	})
}

func (p *replayer) flush(a *act) {
	s := p.servers[a.R]
	s.flush = slices.Clone(s.applied)
}

func (p *replayer) trim(a *act) {
	p.step(p.servers[a.R], replication.Trim{To: replication.Offset(a.To)})
}

// export answers the leader's question for a snapshot. If it has not asked yet,
// because no member told it yet where its log ends, one does.
func (p *replayer) export(a *act) {
	s := p.servers[a.R]
	me := p.was.Rep[a.R]
	for _, q := range sortedKeys(me.Match) {
		if len(s.exports) == 0 && q != a.R && replication.Offset(me.Match[q]) < s.replica.State().Base.Offset {
			p.needSnapshot(s, q, me.Match[q])
		}
	}
	if len(s.exports) == 0 {
		p.differ("%s: asks for no snapshot", a.R)
		return
	}
	ask := s.exports[0]
	s.exports = s.exports[1:]
	p.step(s, replication.Exported{ID: ask.ID, Part: p.part(s.applied, 0)})
}

// needSnapshot makes a leader go back to what it knows of a member: the member is
// heard again, and answers the probe that follows.
func (p *replayer) needSnapshot(s *server, q string, match int) {
	s.closes = true
	defer func() { s.closes = false }()
	p.step(s, replication.PeerSilent{Server: replication.ServerID(q)})
	from := len(p.heard)
	p.step(s, replication.PeerHeard{Server: replication.ServerID(q), Run: 1})
	for _, e := range p.heard[from:] {
		m, ok := e.Message.(replication.Append)
		if ok && e.To == replication.ServerID(q) && m.Prev.Offset > replication.Offset(match) {
			have := idAt(p.was.Rep[s.name].Log, match)
			p.receive(s.name, replication.Envelope{
				From: e.To, FromRun: 1, FromReplica: e.ToReplica, To: e.From, ToReplica: e.FromReplica, Shard: shard,
				Message: replication.Mismatch{Term: m.Term, Prev: m.Prev, Have: have},
			})
		}
	}
}

func (p *replayer) snapshotChunk(a *act) {
	g := &p.was.Net.Reign[a.T.N-1]
	state := entriesOf(g.Log, 0, a.S)
	part := p.part(state, 0)
	for range a.Part - 1 {
		part = p.part(state, part.Position+int64(len(part.Data)))
	}
	m := replication.SnapshotChunk{
		Term: p.termID(a.T), Last: part.Last, Position: part.Position, Data: part.Data, Final: part.Final,
	}
	p.deliver(a.R, g.By, m, func(o replication.Message) bool {
		sent, ok := o.(replication.SnapshotChunk)
		return ok && sent.Term == m.Term && sent.Last == m.Last && sent.Position == m.Position && bytes.Equal(sent.Data, m.Data)
	})
}

func (p *replayer) imported(a *act) {
	s := p.servers[a.R]
	part := s.importing
	if part == nil {
		p.differ("%s: takes no part of a snapshot", a.R)
		return
	}
	s.importing, s.staged = nil, append(s.staged, part.Data...)
	done := replication.Imported{Last: part.Last, Position: int64(len(s.staged)), Installed: part.Final}
	if part.Final {
		s.applied = decodeState(s.staged)
		s.flush = slices.Clone(s.applied)
		s.staged = nil
	}
	p.step(s, done)
}
