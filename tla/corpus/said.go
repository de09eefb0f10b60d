package corpus

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// said is what the specification's network ever held. There, what can have no
// effect any more is taken out.
type said struct {
	terms, ready map[term]bool
	fenced       map[fencedAnswer]bool
	choices      map[string]choice
	declined     map[declined]bool
	higher       map[int]bool
	reigns       map[int]*reign
	snaps        map[[2]int]bool
	acks, rounds map[int]map[string]int
	forward      map[int][]string
	completed    map[int]bool
}

// hear adds what the network holds.
func (n *said) hear(net *network) {
	if n.terms == nil {
		*n = said{
			terms: map[term]bool{}, ready: map[term]bool{}, fenced: map[fencedAnswer]bool{}, choices: map[string]choice{},
			declined: map[declined]bool{}, higher: map[int]bool{}, reigns: map[int]*reign{}, snaps: map[[2]int]bool{},
			acks: map[int]map[string]int{}, rounds: map[int]map[string]int{}, forward: map[int][]string{}, completed: map[int]bool{},
		}
	}
	addAll(n.terms, net.Terms)
	addAll(n.ready, net.Ready)
	addAll(n.fenced, net.Fenced)
	addAll(n.declined, net.Declined)
	addAll(n.higher, net.Higher)
	addAll(n.completed, net.Completed)
	for _, c := range net.Choices {
		n.choices[fmt.Sprint(c.T, c.R)] = c
	}
	for _, f := range net.Forward {
		n.forward[f.N] = f.Ens
	}
	for i := range net.Reign {
		g := &net.Reign[i]
		if g.By == noOne {
			continue
		}
		if before := n.reigns[i+1]; before != nil {
			g.Round = max(g.Round, before.Round)
		}
		n.reigns[i+1] = g
		for _, s := range g.Snaps {
			n.snaps[[2]int{i + 1, s}] = true
		}
		raise(n.acks, i+1, net.Acks[i])
		raise(n.rounds, i+1, net.Confirmed[i])
	}
}

func addAll[T comparable](to map[T]bool, members []T) {
	for _, m := range members {
		to[m] = true
	}
}

func raise(to map[int]map[string]int, n int, by map[string]int) {
	if to[n] == nil {
		to[n] = map[string]int{}
	}
	for r, v := range by {
		to[n][r] = max(to[n][r], v)
	}
}

// checkSaid finds what the core sent in this step and the specification's network
// does not hold.
func (p *replayer) checkSaid() {
	for _, e := range p.said {
		if why := p.unsaid(&e); why != "" {
			p.differ("%s sent %s %s, which the specification did not: %s", e.From, e.To, replication.Render(e.Message), why)
		}
	}
}

// unsaid tells what speaks against a message, and nothing if nothing does.
func (p *replayer) unsaid(e *replication.Envelope) string {
	from, to := string(e.From), string(e.To)
	switch m := e.Message.(type) {
	case replication.Append:
		return p.unsaidAppend(from, to, &m)
	case replication.Ack:
		return p.within("acks", p.net.acks[int(m.Term.Term)][from], int(m.Match))
	case replication.SnapshotAck:
		if m.Installed {
			return p.within("acks", p.net.acks[int(m.Term.Term)][from], int(m.Last.Offset))
		}
		return unless(p.net.snaps[[2]int{int(m.Term.Term), int(m.Last.Offset)}], "no such snapshot")
	case replication.SnapshotChunk:
		return unless(p.net.snaps[[2]int{int(m.Term.Term), int(m.Last.Offset)}], "no such snapshot")
	case replication.Confirm:
		g := p.net.reigns[int(m.Term.Term)]
		return unless(g != nil && g.By == from && int(m.Round) <= g.Round && int(m.Commit) <= g.Commit, "another reign")
	case replication.Confirmed:
		return p.within("confirmed", p.net.rounds[int(m.Term.Term)][from], int(m.Round))
	case replication.HigherTerm:
		return unless(p.toldHigher(to, int(m.Term.Term)), "nobody is told of a higher term")
	case replication.Mismatch:
		g := p.net.reigns[int(m.Term.Term)]
		return unless(g != nil && g.By == to, "the receiver does not lead")
	default:
		return p.unsaidElection(e)
	}
}

// unsaidElection is unsaid for the messages of elections.
func (p *replayer) unsaidElection(e *replication.Envelope) string {
	from, to := string(e.From), string(e.To)
	switch m := e.Message.(type) {
	case replication.NewTerm:
		return unless(p.isOf(m.Term, p.net.terms), "no such term")
	case replication.NewTermReply:
		if m.Refused != 0 {
			return "nothing is refused"
		}
		for a := range p.net.fenced {
			if a.R == from && p.termID(a.T) == m.Term && int(m.Head.Term) == a.Head.T && int(m.Head.Offset) == a.Head.O {
				return ""
			}
		}
		return "no such answer"
	case replication.BecomeLeader:
		for _, c := range p.net.choices {
			if c.R == to && p.termID(c.T) == m.Term && equalNames(m.Ensemble, c.Cfg.Ens) &&
				equalNames(m.Joining, c.Cfg.Join) && equalNames(m.Learners, c.Learn) {
				return ""
			}
		}
		return "no such choice"
	case replication.BecomeLeaderReply:
		return p.unsaidReply(&m)
	case replication.AskElection:
		return unless(p.net.reigns[int(m.Term.Term)] != nil, "nobody led")
	case replication.Probe:
		return unless(p.is.Coord[from].Phase == "questioning" || p.catching[m.Nonce] || p.is.Act.N == "Back", "it asks nothing")
	case replication.ProbeReply:
		return unless(p.is.Act.N == "Probe", "nobody asked")
	case replication.Assign:
		return unless(m.Document.Status == replication.StatusSteady && m.Document.Version <= p.stored.Version, "it was not published")
	default:
		return p.unsaidChange(e)
	}
}

func (p *replayer) unsaidReply(m *replication.BecomeLeaderReply) string {
	if m.Refused != 0 {
		for d := range p.net.declined {
			if p.termID(d.T) == m.Asked && int(m.Term.Term) == d.N {
				return ""
			}
		}
		return "nobody declined"
	}
	return unless(!m.Ready || p.isOf(m.Term, p.net.ready), "nobody is ready")
}

func (p *replayer) unsaidAppend(from, to string, m *replication.Append) string {
	g := p.net.reigns[int(m.Term.Term)]
	switch {
	case g == nil || g.By != from:
		return "another reign"
	case int(m.Prev.Offset) > len(g.Log) || idAt(g.Log, int(m.Prev.Offset)) != m.Prev || !sameEntries(m.Entries, g.Log, int(m.Prev.Offset)):
		return "no piece of the leader's log"
	case int(m.Commit) > g.Commit:
		return "not committed"
	case !slices.Contains(g.To, to):
		return "not to that one"
	}
	return ""
}

// isOf reports whether a term of the core is among terms of the specification.
func (p *replayer) isOf(t replication.TermID, terms map[term]bool) bool {
	for s := range terms {
		if p.termID(s) == t {
			return true
		}
	}
	return false
}

func (p *replayer) toldHigher(to string, higher int) bool {
	for n := range p.net.higher {
		if g := p.net.reigns[n]; n < higher && g != nil && g.By == to {
			return true
		}
	}
	return false
}

func (p *replayer) within(what string, limit, is int) string {
	return unless(is <= limit, fmt.Sprintf("%s up to %d", what, limit))
}

func unless(holds bool, why string) string {
	if holds {
		return ""
	}
	return why
}

func equalNames(members []replication.Member, names []string) bool {
	return slices.Equal(namesOf(members), slices.Sorted(slices.Values(names)))
}

// checkNews finds what the specification's network came to hold in this step and
// the core did not send. What the network held before, and lost when it could have
// no effect any more, the core need not repeat.
func (p *replayer) checkNews() {
	if p.was == nil {
		return
	}
	was, is := &p.was.Net, &p.is.Net
	for _, t := range added(was.Terms, is.Terms) {
		id := p.termID(t)
		p.must("NewTerm", func(e *replication.Envelope) bool {
			return e.Message == replication.Message(replication.NewTerm{Term: id})
		})
	}
	for _, a := range added(was.Fenced, is.Fenced) {
		p.must("NewTermReply of "+a.R, func(e *replication.Envelope) bool {
			m, ok := e.Message.(replication.NewTermReply)
			return ok && string(e.From) == a.R && string(e.To) == a.T.C && m.Term == p.termID(a.T) && int(m.Head.Offset) == a.Head.O
		})
	}
	for _, t := range added(was.Ready, is.Ready) {
		p.must("BecomeLeaderReply, ready", func(e *replication.Envelope) bool {
			m, ok := e.Message.(replication.BecomeLeaderReply)
			return ok && m.Ready && m.Term == p.termID(t) && string(e.To) == t.C
		})
	}
	for _, d := range added(was.Declined, is.Declined) {
		p.must("BecomeLeaderReply, refused", func(e *replication.Envelope) bool {
			m, ok := e.Message.(replication.BecomeLeaderReply)
			return ok && m.Refused != 0 && m.Asked == p.termID(d.T)
		})
	}
	if len(is.Choices) > len(was.Choices) {
		p.must("BecomeLeader", func(e *replication.Envelope) bool {
			_, ok := e.Message.(replication.BecomeLeader)
			return ok
		})
	}
	for _, n := range added(was.Completed, is.Completed) {
		p.must("ChangeCompleted", func(e *replication.Envelope) bool {
			m, ok := e.Message.(replication.ChangeCompleted)
			return ok && int(m.Term.Term) == n
		})
	}
	for n := range is.Reign {
		p.checkReignNews(n, &was.Reign[n], &is.Reign[n])
	}
}

func (p *replayer) checkReignNews(n int, was, is *reign) {
	if slices.Contains(p.is.Net.Higher, n+1) && !slices.Contains(p.was.Net.Higher, n+1) {
		p.must("HigherTerm", func(e *replication.Envelope) bool {
			_, ok := e.Message.(replication.HigherTerm)
			return ok && string(e.To) == is.By
		})
	}
	for r, upTo := range p.is.Net.Acks[n] {
		if upTo > max(p.was.Net.Acks[n][r], p.net.acks[n+1][r]) {
			p.must(fmt.Sprintf("an ack of %s for %d", r, upTo), func(e *replication.Envelope) bool {
				switch m := e.Message.(type) {
				case replication.Ack:
					return string(e.From) == r && int(m.Match) == upTo
				case replication.SnapshotAck:
					return string(e.From) == r && m.Installed && int(m.Last.Offset) == upTo
				}
				return false
			})
		}
	}
	for r, round := range p.is.Net.Confirmed[n] {
		if round > max(p.was.Net.Confirmed[n][r], p.net.rounds[n+1][r]) {
			p.must("Confirmed of "+r, func(e *replication.Envelope) bool {
				m, ok := e.Message.(replication.Confirmed)
				return ok && string(e.From) == r && int(m.Round) == round
			})
		}
	}
	if is.Round > was.Round && len(is.To) > 1 {
		p.must("Confirm", func(e *replication.Envelope) bool {
			m, ok := e.Message.(replication.Confirm)
			return ok && int(m.Round) == is.Round
		})
	}
}

// must finds a message among those of this step.
func (p *replayer) must(what string, is func(e *replication.Envelope) bool) {
	for i := range p.said {
		if is(&p.said[i]) {
			return
		}
	}
	p.differ("the core did not send %s", what)
}

func added[T comparable](was, is []T) []T {
	return slices.DeleteFunc(slices.Clone(is), func(x T) bool { return slices.Contains(was, x) })
}
