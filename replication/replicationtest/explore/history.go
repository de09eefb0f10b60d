package explore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// history is what happened on the way to a state, as far as a law may be broken
// by it later. It is part of the state, and never changed.
type history struct {
	// reigns are the terms that were led, ascending.
	reigns []reign
	// created are the entries that leaders made, ascending by id.
	created []replication.Entry
	// committed is what anybody ever knew committed, and in the term of which
	// leader it became so: an earlier leader need not have it.
	committed []commitment
	// reads are those without an outcome, and what each must see.
	reads []expectation
	// refused are proposals of which it was said that they did not happen, done
	// those of which it was said that they did.
	refused, done []replication.Token
}

type reign struct {
	term   replication.Term
	server int
}

type commitment struct {
	id replication.EntryID
	by replication.Term
}

type expectation struct {
	token  replication.Token
	server int
	sees   replication.Offset
}

func (h *history) clone() history {
	return history{
		reigns: slices.Clone(h.reigns), created: slices.Clone(h.created), committed: slices.Clone(h.committed),
		reads: slices.Clone(h.reads), refused: slices.Clone(h.refused), done: slices.Clone(h.done),
	}
}

func (h *history) encode(buf []byte) []byte {
	number := func(n int) { buf = binary.AppendUvarint(buf, uint64(n)) }
	number(len(h.reigns))
	for _, r := range h.reigns {
		number(int(r.term))
		number(r.server)
	}
	number(len(h.created))
	for _, e := range h.created {
		buf = appendEntry(buf, e)
	}
	number(len(h.committed))
	for _, c := range h.committed {
		number(int(c.id.Term))
		number(int(c.by))
	}
	number(len(h.reads))
	for _, r := range h.reads {
		number(int(r.token))
		number(r.server)
		number(int(r.sees))
	}
	for _, tokens := range [][]replication.Token{h.refused, h.done} {
		number(len(tokens))
		for _, t := range tokens {
			number(int(t))
		}
	}
	return buf
}

// tell takes a server's news, and says which law they break, if any.
func (h *history) tell(n *news, server int, s *server) string {
	if n.led {
		if broken := h.begins(reign{term: s.state.Term.Term, server: server}); broken != "" {
			return broken
		}
	}
	for _, e := range n.created {
		if broken := h.creates(e); broken != "" {
			return broken
		}
	}
	for _, o := range n.outcomes {
		if broken := h.ends(o, server, s); broken != "" {
			return broken
		}
	}
	return ""
}

// begins: a term has one leader, once.
func (h *history) begins(r reign) string {
	i, found := slices.BinarySearchFunc(h.reigns, r.term, func(r reign, t replication.Term) int { return int(r.term - t) })
	if found {
		return fmt.Sprintf("one leader per term: %s leads term %d, which %s led", serverName(r.server), r.term, serverName(h.reigns[i].server))
	}
	h.reigns = slices.Insert(h.reigns, i, r)
	return ""
}

// creates: no two different entries share an id.
func (h *history) creates(e replication.Entry) string {
	i, found := slices.BinarySearchFunc(h.created, e.ID, func(e replication.Entry, id replication.EntryID) int { return byTerm(e.ID, id) })
	if !found {
		h.created = slices.Insert(h.created, i, e)
		return ""
	}
	if first := h.created[i]; first.Timestamp != e.Timestamp || string(first.Payload) != string(e.Payload) {
		return fmt.Sprintf("one entry per id: %v is %q of run %d and %q of run %d", e.ID, first.Payload, first.Timestamp, e.Payload, e.Timestamp)
	}
	return ""
}

// ends: what is said of a request is true.
func (h *history) ends(o ended, server int, s *server) string {
	i := slices.IndexFunc(h.reads, func(r expectation) bool { return r.token == o.Token })
	switch {
	case i >= 0:
		sees := h.reads[i].sees
		h.reads = slices.Delete(h.reads, i, i+1)
		if o.Outcome.Kind == replication.OutcomeDone && o.applied < sees {
			return fmt.Sprintf("linearizable reads: %s answers from offset %d, and %d was committed before the question",
				serverName(server), o.applied, sees)
		}
	case o.Outcome.Kind == replication.OutcomeRefused:
		h.refused = append(h.refused, o.Token)
		slices.Sort(h.refused)
	case o.Outcome.Kind == replication.OutcomeDone:
		h.done = append(h.done, o.Token)
		slices.Sort(h.done)
		if string(s.payload(o.Outcome.Offset)) != string(payload(o.Token)) {
			return fmt.Sprintf("true outcomes: %s says that %q is at offset %d, where %q is",
				serverName(server), payload(o.Token), o.Outcome.Offset, s.payload(o.Outcome.Offset))
		}
	}
	return h.refusedStay()
}

// refusedStay: what was refused never commits.
func (h *history) refusedStay() string {
	for _, token := range h.refused {
		for _, e := range h.created {
			at := int(e.ID.Offset) - 1
			if string(e.Payload) == string(payload(token)) && at < len(h.committed) && h.committed[at].id == e.ID {
				return fmt.Sprintf("true outcomes: %q was refused and is committed as %v", e.Payload, e.ID)
			}
		}
	}
	return ""
}

// forget drops the reads of a server that crashed.
func (h *history) forget(server int) {
	h.reads = slices.DeleteFunc(h.reads, func(r expectation) bool { return r.server == server })
}

// payload is what the write of a token proposes.
func payload(token replication.Token) []byte { return []byte{'a' + byte(token) - 1} }

func (s *server) payload(o replication.Offset) []byte {
	if int(o) > len(s.machine) || o < 1 {
		return nil
	}
	return s.machine[o-1].Payload
}

func serverName(i int) string { return fmt.Sprintf("s%d", i+1) }
