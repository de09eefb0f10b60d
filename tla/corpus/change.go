package corpus

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// The actions of ensemble changes. A wish is given to a coordinator where the
// specification acts upon one, and taken back at once, lest the core go on by
// itself.

// createReplica makes a replica as a server does that a coordinator asked to. It
// asks when it hears that the replica is not there.
func (p *replayer) createReplica(a *act) {
	s := p.servers[a.R]
	asked := func(e replication.Envelope) bool {
		_, ok := e.Message.(replication.CreateReplica)
		return ok && e.ToReplica == replicaID(a.R)
	}
	for _, name := range sortedKeys(p.coordinators) {
		if p.sentTo(a.R, asked) == nil {
			p.elect(p.coordinators[name], replication.Receive{Envelope: replication.Envelope{
				From: replication.ServerID(a.R), FromRun: 1, FromReplica: replicaID(a.R),
				To: replication.ServerID(name), Shard: shard, Message: replication.NotMember{Incarnation: disk(a.R)},
			}})
		}
	}
	coordinator := replication.ServerID("c1")
	if e := p.sentTo(a.R, asked); e != nil {
		p.coverage.taken(e.Message)
		coordinator = e.From
	}
	s.kept.record.Replica = replicaID(a.R)
	if err := s.open(&p.options); err != nil {
		p.differ("%s: %v", a.R, err)
		return
	}
	p.step(s, replication.Create{Coordinator: coordinator})
}

// deleteReplica removes a replica, of which nothing is left afterwards. That takes
// the core several steps, in which nobody hears of it.
func (p *replayer) deleteReplica(a *act) {
	s := p.servers[a.R]
	coordinator, term := replication.ServerID("c1"), p.stored.Term
	e := p.sentTo(a.R, func(e replication.Envelope) bool {
		_, ok := e.Message.(replication.DeleteReplica)
		return ok && e.ToReplica == replicaID(a.R)
	})
	if e != nil {
		m, _ := e.Message.(replication.DeleteReplica)
		p.coverage.taken(m)
		coordinator, term = e.From, m.Term
	}
	p.step(s, replication.Delete{Coordinator: coordinator, Term: term})
	for _, op := range s.pending {
		p.coverage.durable(op)
		s.kept = s.kept.after(op)
		p.step(s, replication.LogDone{Sequence: op.Sequence})
	}
	p.step(s, replication.Deleted{})
	s.drop()
}

// wipe loses a server's disk, and what ran on it.
func (p *replayer) wipe(a *act) { p.servers[a.R].drop() }

// drop leaves nothing of a replica.
func (s *server) drop() { *s = server{name: s.name, run: s.run} }

func (p *replayer) addFollower(a *act) {
	m := replication.AddFollower{
		Term:   p.termID(p.was.Rep[a.R].Term),
		Member: replication.MemberHead{Member: memberOf(a.Q)},
	}
	p.deliver(a.R, "", m, func(o replication.Message) bool {
		sent, ok := o.(replication.AddFollower)
		return ok && sent.Term == m.Term && sent.Member.Member == m.Member.Member
	})
}

func (p *replayer) completeChange(a *act) {
	me := p.was.Rep[a.R]
	m := replication.CompleteChange{Term: p.termID(me.Term)}
	for _, name := range me.Cfg.Join {
		m.Ensemble = append(m.Ensemble, memberOf(name))
	}
	p.deliver(a.R, "", m, func(o replication.Message) bool {
		sent, ok := o.(replication.CompleteChange)
		return ok && sent.Term == m.Term && equalNames(sent.Ensemble, me.Cfg.Join)
	})
}

// wish lets a coordinator act upon a wish for replicas; an empty one is none. What
// it knows is made what there is: the document, all servers, and how far those are
// that are to join.
func (p *replayer) wish(c *coordinator, names []string, hears func()) {
	defer func() {
		for _, e := range p.said {
			if m, ok := e.Message.(replication.Probe); ok {
				p.catching[m.Nonce] = true
			}
		}
	}()
	for range 20 {
		state := c.election.State()
		switch {
		case c.call != nil:
			p.elect(c, replication.ChangeEnsemble{})
			return
		case c.loads || state.Document.Version < p.stored.Version:
			p.load(c, &p.stored)
			continue
		case state.Phase != "watching":
			p.differ("%s: is %s", c.name, state.Phase)
			return
		}
		for _, name := range slices.Concat(names, p.was.Doc.Ens) {
			p.elect(c, replication.PeerHeard{Server: replication.ServerID(name), Run: 1, Incarnation: disk(name)})
		}
		p.elect(c, replication.ChangeEnsemble{Servers: serversOf(names)})
		hears()
		if c.call == nil {
			p.tick(c)
		}
	}
	p.differ("%s: changes nothing", c.name)
}

func serversOf(names []string) []replication.ServerID {
	servers := make([]replication.ServerID, len(names))
	for i, name := range slices.Sorted(slices.Values(names)) {
		servers[i] = replication.ServerID(name)
	}
	return servers
}

func (p *replayer) addLearners(a *act) { p.wish(p.coordinators[a.C], a.Wish, func() {}) }

// join lets a coordinator claim a term under both ensembles. That learners have
// caught up is a matter of speed to the specification: here they say so.
func (p *replayer) join(a *act) {
	c := p.coordinators[a.C]
	p.wish(c, a.Wish, func() { p.catchUp(c) })
}

// catchUp answers for the leader and the learners.
func (p *replayer) catchUp(c *coordinator) {
	doc := p.stored
	for _, name := range append([]string{nameOf(doc.Leader)}, p.was.Doc.Learn...) {
		e := p.sentTo(name, func(e replication.Envelope) bool {
			_, ok := e.Message.(replication.Probe)
			return ok && e.From == replication.ServerID(c.name) && e.ToReplica == replicaID(name)
		})
		if e == nil || c.call != nil {
			continue
		}
		probe, _ := e.Message.(replication.Probe)
		answer := replication.ProbeReply{Nonce: probe.Nonce, Term: doc.Term, Role: replication.RoleFollower}
		if name == nameOf(doc.Leader) {
			answer.Role = replication.RoleLeader
		} else if p.was.Rep[name].Role == "fenced" {
			// The leader is told of it first.
			fenced := answer
			fenced.Role, fenced.Term = replication.RoleFenced, replication.TermID{}
			p.reply(c, name, fenced)
		}
		p.reply(c, name, answer)
	}
}

// reply gives a coordinator a replica's message.
func (p *replayer) reply(c *coordinator, name string, m replication.Message) {
	p.elect(c, replication.Receive{Envelope: replication.Envelope{
		From: replication.ServerID(name), FromRun: 1, FromReplica: replicaID(name),
		To: replication.ServerID(c.name), Shard: shard, Message: m,
	}})
}

// back lets a coordinator go back to the old ensemble, which is wished for again.
func (p *replayer) back(a *act) {
	c := p.coordinators[a.C]
	if p.was.Coord[a.C].Phase == "watching" {
		p.ask(a)
	}
	p.elect(c, replication.ChangeEnsemble{Servers: serversOf(p.was.Doc.Ens)})
	p.elect(c, replication.ChangeEnsemble{})
}

// replicaDeleted lets a coordinator hear of all that are gone.
func (p *replayer) replicaDeleted(a *act) {
	c := p.coordinators[a.C]
	p.wish(c, nil, func() {
		for _, name := range p.was.Doc.Removed {
			if p.was.Rep[name].Here || c.call != nil {
				continue
			}
			m := replication.ReplicaDeleted{Term: p.stored.Term}
			p.tell(c, name, m, func(o replication.Message) bool { return kind(o) == kind(m) }, nil)
		}
	})
}

// unsaidChange is unsaid for the messages of ensemble changes.
func (p *replayer) unsaidChange(e *replication.Envelope) string {
	from, to := string(e.From), string(e.To)
	switch m := e.Message.(type) {
	case replication.CreateReplica:
		return unless(p.everStored(func(doc *replication.Document) bool {
			return slices.Contains(namesOf(bare(doc.Members())), to)
		}), "it never was a member")
	case replication.ReplicaCreated:
		return unless(p.is.Disk[from].Made, "it is not made")
	case replication.DeleteReplica:
		return unless(p.everStored(func(doc *replication.Document) bool {
			return slices.Contains(namesOf(bare(doc.Removed)), to)
		}), "it was not removed")
	case replication.ReplicaDeleted:
		return unless(!p.is.Rep[from].Here, "it is here")
	case replication.CompleteChange:
		return unless(p.everStored(func(doc *replication.Document) bool {
			return doc.Term == m.Term && doc.Status == replication.StatusSteady &&
				slices.Equal(namesOf(bare(doc.Ensemble)), namesOf(m.Ensemble))
		}), "no such ensemble")
	case replication.ChangeCompleted:
		return unless(p.net.completed[int(m.Term.Term)], "nothing was completed")
	case replication.AddFollower:
		return unless(p.everStored(func(doc *replication.Document) bool {
			return doc.Term == m.Term && slices.Contains(namesOf(bare(doc.Members())), nameOf(m.Member.Member))
		}), "it is no member")
	default:
		return "the specification has no such message"
	}
}

// everStored reports whether any document that the metadata store ever held is so.
func (p *replayer) everStored(is func(doc *replication.Document) bool) bool {
	for _, doc := range p.documents {
		if is(&doc) {
			return true
		}
	}
	return false
}
