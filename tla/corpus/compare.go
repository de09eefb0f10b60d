package corpus

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// compare holds all that the core has against what the specification says.
func (p *replayer) compare() {
	for _, name := range sortedKeys(p.is.Rep) {
		me, d := p.is.Rep[name], p.is.Disk[name]
		s := p.servers[name]
		if s == nil || (s.replica != nil) != me.Here {
			p.differ("%s: is it here? specification %v", name, me.Here)
			continue
		}
		p.compareDisk(s, &d)
		if me.Here {
			p.compareReplica(s, &me)
			p.compareRole(s, &me)
		}
	}
	for _, name := range sortedKeys(p.is.Coord) {
		co := p.is.Coord[name]
		p.compareCoordinator(p.coordinators[name], &co)
	}
	p.compareDocument("the store", &p.stored, &p.is.Doc)
	p.compareRequests()
	p.checkSaid()
}

// check notes a difference between what the core has and the specification says.
func check[T comparable](p *replayer, of, what string, core, spec T) {
	if core != spec {
		p.differ("%s: %s: core %v, specification %v", of, what, core, spec)
	}
}

func (p *replayer) sameNames(of, what string, core []replication.Member, spec []string) {
	names := namesOf(core)
	spec = slices.Sorted(slices.Values(spec))
	if !slices.Equal(names, spec) {
		p.differ("%s: %s: core %v, specification %v", of, what, names, spec)
	}
}

// sameLog compares a log from its base on.
func (p *replayer) sameLog(of, what string, l diskLog, log []entry, base int) {
	check(p, of, what+" base", l.base, idAt(log, base))
	if len(l.entries) != len(log)-base || !sameEntries(l.entries, log, base) {
		p.differ("%s: %s: core %s, specification %s", of, what, renderEntries(l.entries), renderEntries(entriesOf(log, base, len(log)-base)))
	}
}

func renderEntries(entries []replication.Entry) string {
	var text bytes.Buffer
	for i, e := range entries {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(replication.RenderEntry(e))
	}
	return "[" + text.String() + "]"
}

func (p *replayer) compareDisk(s *server, d *diskState) {
	check(p, s.name, "made", s.made, d.Made)
	check(p, s.name, "durable term", s.kept.record.Term, p.termID(d.Term))
	p.sameLog(s.name, "durable log", s.kept, d.Log, d.Base)
	if len(s.flush) != len(d.State) || !sameEntries(s.flush, d.State, 0) {
		p.differ("%s: durable state: core %s, specification %s", s.name, renderEntries(s.flush), renderEntries(entriesOf(d.State, 0, len(d.State))))
	}
}

func (p *replayer) compareReplica(s *server, me *replicaState) {
	now := s.replica.State()
	check(p, s.name, "term", now.Term, p.termID(me.Term))
	check(p, s.name, "role", now.Role.String(), me.Role)
	check(p, s.name, "commit", int(now.Commit), me.Commit)
	check(p, s.name, "applied", int(now.Applied), me.Applied)
	check(p, s.name, "applying", int(now.Applying), me.Applying)
	check(p, s.name, "base", now.Base, idAt(me.Log, me.Base))
	check(p, s.name, "head", now.Head, idAt(me.Log, len(me.Log)))
	p.sameLog(s.name, "log", s.submitted(), me.Log, me.Base)
	if len(s.applied) != me.Applied || !sameEntries(s.applied, me.Log, 0) {
		p.differ("%s: applied: core %s, specification up to %d", s.name, renderEntries(s.applied), me.Applied)
	}
	check(p, s.name, "installing", now.Installing, len(me.Install) > 0)
	if now.Installing {
		check(p, s.name, "snapshot", int(now.Incoming.Last.Offset), len(me.Install))
	}
	check(p, s.name, "operations", len(s.pending), len(me.Ops))
	for i := range min(len(s.pending), len(me.Ops)) {
		if !p.sameOp(s.pending[i], &me.Ops[i]) {
			p.differ("%s: operation %d: core %+v, specification %+v", s.name, i+1, s.pending[i], me.Ops[i])
		}
	}
}

func (p *replayer) sameOp(op replication.LogOp, is *operation) bool {
	if op.Kind.String() != is.K {
		return false
	}
	switch op.Kind {
	case replication.OpTerm:
		return op.Record.Term == p.termID(is.T)
	case replication.OpAppend:
		first := int(op.Entries[0].ID.Offset)
		return len(op.Entries) == len(is.E) && slices.EqualFunc(op.Entries, is.E, func(e replication.Entry, s entry) bool {
			return int(e.ID.Term) == s.T && string(e.Payload) == fmt.Sprint(s.V)
		}) && first > 0
	case replication.OpTruncate:
		return int(op.Truncate) == is.N
	default:
		return int(op.Base.Offset) == is.N
	}
}

// compareRole compares what only a role has.
func (p *replayer) compareRole(s *server, me *replicaState) {
	now := s.replica.State()
	switch {
	case now.Fenced != nil:
		check(p, s.name, "may lead", now.Fenced.MayLead, me.MayLead)
		check(p, s.name, "owes an answer", now.Fenced.Owes, me.Owes)
	case now.Following != nil:
		check(p, s.name, "matched", int(now.Following.Matched), me.Matched)
		if now.Incoming.Term == now.Term && !now.Installing {
			check(p, s.name, "bytes of a snapshot", int(now.Incoming.Kept), p.bytesOf(me))
			check(p, s.name, "a part is with the state machine", now.Incoming.Importing, me.Staged.Busy)
		}
	case now.Leading != nil:
		p.compareLeader(s.name, now.Leading, me)
	}
}

// bytesOf is how much of a snapshot the parts are that a follower has.
func (p *replayer) bytesOf(me *replicaState) int {
	bytes := 0
	for range me.Staged.Parts {
		g := p.net.reigns[me.Staged.T]
		bytes += len(p.part(entriesOf(g.Log, 0, me.Staged.O), int64(bytes)).Data)
	}
	return bytes
}

func (p *replayer) compareLeader(name string, l *replication.LeadingState, me *replicaState) {
	p.sameNames(name, "ensemble", l.Ensemble, me.Cfg.Ens)
	p.sameNames(name, "joining", l.Joining, me.Cfg.Join)
	p.sameNames(name, "confirmed", l.Confirmed, me.Confirmed)
	check(p, name, "barrier", int(l.Barrier), me.Barrier)
	check(p, name, "round", int(l.Round), me.Round)
	var learners []replication.Member
	match := map[string]int{}
	for _, f := range l.Followers {
		match[nameOf(f.Member)] = int(f.Match)
		if !slices.Contains(l.Ensemble, f.Member) && !slices.Contains(l.Joining, f.Member) {
			learners = append(learners, f.Member)
		}
	}
	p.sameNames(name, "learners", learners, me.Learn)
	for _, q := range sortedKeys(me.Match) {
		check(p, name, "match of "+q, match[q], me.Match[q])
	}
}

// compareDocument compares documents, but for the runs of leaders, which the
// specification does not have.
func (p *replayer) compareDocument(of string, core *replication.Document, spec *document) {
	check(p, of, "version", int(core.Version)-1, spec.Ver)
	check(p, of, "term", int(core.Term.Term), spec.Term.N)
	if id, made := p.elections[spec.Term]; made && of == "the store" {
		check(p, of, "election", core.Term.Election, id)
	}
	check(p, of, "steady", core.Status == replication.StatusSteady, spec.Steady)
	check(p, of, "leader", nameOf(core.Leader), spec.Leader)
	p.sameNames(of, "ensemble", bare(core.Ensemble), spec.Ens)
	p.sameNames(of, "joining", bare(core.Joining), spec.Join)
	p.sameNames(of, "learners", bare(core.Learners), spec.Learn)
	p.sameNames(of, "removed", bare(core.Removed), spec.Removed)
}

func bare(members []replication.DocumentMember) []replication.Member {
	all := make([]replication.Member, len(members))
	for i, m := range members {
		all[i] = m.Member
	}
	return all
}

func (p *replayer) compareCoordinator(c *coordinator, co *coordinatorState) {
	now := c.election.State()
	phase := now.Phase
	if phase == "loading" {
		phase = "watching" // the answer comes with the next step that needs it
	}
	check(p, c.name, "phase", phase, co.Phase)
	check(p, c.name, "failed", nameOf(now.Failed), co.Failed)
	switch co.Phase {
	case "claiming", "publishing", "changing":
		if c.call == nil || now.Store == nil {
			p.differ("%s: writes nothing", c.name)
			return
		}
		p.compareDocument(c.name+" writes", c.call, &co.Doc)
	case "questioning":
		p.compareDocument(c.name, &now.Document, &co.Doc)
		check(p, c.name, "asked to elect", now.Asked == now.Document.Term, co.Asked == co.Doc.Term)
		p.compareAnswers(c.name, now.Answers, co.Answers)
	case "fencing", "starting":
		p.compareDocument(c.name, &now.Document, &co.Doc)
		check(p, c.name, "own term", now.Mine, p.termID(co.Mine))
		if co.Phase == "starting" {
			check(p, c.name, "chosen", nameOf(now.Chosen), co.Chosen)
			return
		}
		p.compareHeads(c.name, now.Heads, co.Heads)
	}
}

func (p *replayer) compareAnswers(of string, core []replication.AnswerState, spec []answered) {
	check(p, of, "answers", len(core), len(spec))
	for _, a := range spec {
		i := slices.IndexFunc(core, func(c replication.AnswerState) bool { return nameOf(c.Member) == a.R })
		if i < 0 {
			p.differ("%s: has no answer of %s", of, a.R)
			continue
		}
		check(p, of, "what "+a.R+" says", answered{a.R, core[i].Leads, core[i].Hears, core[i].Serving}, a)
	}
}

func (p *replayer) compareHeads(of string, core []replication.MemberHead, spec []answeredHead) {
	check(p, of, "heads", len(core), len(spec))
	for _, h := range spec {
		is := replication.MemberHead{
			Member: memberOf(h.R), Head: replication.EntryID{Term: replication.Term(h.Head.T), Offset: replication.Offset(h.Head.O)},
		}
		if !slices.Contains(core, is) {
			p.differ("%s: does not know %v", of, is)
		}
	}
}

// compareRequests compares what became of proposals and reads.
func (p *replayer) compareRequests() {
	for i, proposal := range p.is.Seen.Proposed {
		how := p.outcomes[proposalToken(i+1)].Kind.String()
		if how == "none" {
			how = "open"
		}
		// A crash makes an outcome unknown, and nobody is left to say so.
		if how == "open" && proposal.End == "unknown" {
			continue
		}
		check(p, "proposal", fmt.Sprint(i+1), how, proposal.End)
	}
	open := map[string]int{}
	for i, read := range p.is.Reads {
		how := p.outcomes[readToken(i+1)].Kind.String()
		if read.R != noOne {
			open[read.R]++
		}
		switch read.St {
		case "asked", "waiting", "confirmed":
			check(p, "read", fmt.Sprint(i+1), how, "none")
		case "refused":
			if how != "none" { // a leader that crashed says nothing
				check(p, "read", fmt.Sprint(i+1), how, "refused")
			}
		default:
			check(p, "read", fmt.Sprint(i+1), how, read.St)
		}
	}
	for _, name := range sortedKeys(p.servers) {
		if s := p.servers[name]; s.replica != nil {
			check(p, name, "reads that wait", s.replica.State().Reads, open[name])
		}
	}
}
