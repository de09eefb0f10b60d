package explore

import (
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// Local states, messages, documents and histories are interned: a world names
// them by number, and the real core is stepped once for each local state and
// event, however many worlds they meet in.

// table gives equal things the same number, from 0.
type table[T any] struct {
	numbers map[string]uint32
	things  []T
}

func newTable[T any]() table[T] { return table[T]{numbers: map[string]uint32{}} }

// number returns the number of what has this canonical form, made by make if it
// is new.
func (t *table[T]) number(form []byte, thing func() T) uint32 {
	if n, found := t.numbers[string(form)]; found {
		return n
	}
	n := uint32(len(t.things))
	t.numbers[string(form)] = n
	t.things = append(t.things, thing())
	return n
}

// message is a message that may be under way.
type message struct {
	envelope replication.Envelope
	// server is the receiver's index, or -1 when it is for a coordinator.
	server, coordinator int
	term                replication.Term
	text                string
}

// internMessage returns a message's number, and false for one that never
// arrives in this configuration.
func (x *Explorer) internMessage(e replication.Envelope) (uint32, bool) {
	m := message{envelope: e, server: x.serverIndex(e.To), coordinator: x.coordinatorIndex(e.To)}
	if (m.server < 0 && m.coordinator < 0) || x.config.mute(e.Message) {
		return 0, false
	}
	if reply, fenced := e.Message.(replication.NewTermReply); fenced && reply.Refused == 0 {
		reply.Leaderships = x.config.Leaderships[x.serverIndex(e.From)]
		e.Message, m.envelope.Message = reply, reply
	}
	form := fmt.Sprintf("%s %d %d %s %d %#v", e.From, e.FromReplica, e.FromRun, e.To, e.ToReplica, e.Message)
	return x.messages.number([]byte(form), func() message {
		m.term = termOf(e.Message)
		m.text = x.textOf(e)
		return m
	}), true
}

// textOf is a message as scripts show it: with the run of its sender if that is
// not the first, and with the replicas where a server has another than at the
// beginning.
func (x *Explorer) textOf(e replication.Envelope) string {
	from, to := string(e.From), string(e.To)
	if e.FromRun > 1 {
		from = fmt.Sprintf("%s.%d", from, e.FromRun)
	}
	if e.FromReplica != 0 && e.FromReplica != replication.ReplicaID(x.serverIndex(e.From)+1) {
		from = fmt.Sprintf("%s#%d", from, e.FromReplica)
	}
	if e.ToReplica != 0 && e.ToReplica != replication.ReplicaID(x.serverIndex(e.To)+1) {
		to = fmt.Sprintf("%s#%d", to, e.ToReplica)
	}
	return fmt.Sprintf("%s>%s %s", from, to, replication.Render(e.Message))
}

func (x *Explorer) internServer(s *server) uint32 {
	x.form = s.encode(x.form[:0])
	return x.servers.number(x.form, func() *server {
		c := *s
		if c.replica != nil {
			c.state = c.replica.State()
		}
		if c.state.Role == replication.RoleDeleted {
			// What it knew of its log is over, with the log.
			c.state = replication.ReplicaState{Member: c.state.Member, Role: c.state.Role}
		}
		c.log, c.durable = ids(c.submitted().entries), ids(c.survives())
		shape := fmt.Sprint(c.log, c.durable, c.state.Member, c.record.Replica, c.state.Commit, c.state.Role, c.state.Term)
		c.shape = x.shapes.number([]byte(shape), func() struct{} { return struct{}{} })
		return &c
	})
}

func (x *Explorer) internCoordinator(c *coordinator) uint32 {
	c.election.Reseed(c.seed())
	x.form = c.encode(x.form[:0])
	return x.coordinators.number(x.form, func() *coordinator {
		kept := *c
		kept.state = kept.election.State()
		return &kept
	})
}

func (x *Explorer) internDocument(d replication.Document) uint32 {
	x.form = fmt.Appendf(x.form[:0], "%d %d %x %d %v %d %v %v %v %v %x", d.Version, d.Term.Term, d.Term.Election, d.Status,
		d.Leader, d.LeaderRun, d.Ensemble, d.Joining, d.Learners, d.Removed, d.Settings)
	return x.documents.number(x.form, func() replication.Document {
		x.electorates = append(x.electorates, newElectorate(&d))
		return d
	})
}

func (x *Explorer) internHistory(h *history) uint32 {
	x.form = h.encode(x.form[:0])
	return x.histories.number(x.form, func() *history { c := h.clone(); return &c })
}

// termOf is the term of a message from which it may be seen to be of the past;
// zero where that cannot be seen.
func termOf(m replication.Message) replication.Term {
	switch m := m.(type) {
	case replication.NewTerm:
		return m.Term.Term
	case replication.BecomeLeader:
		return m.Term.Term
	case replication.AddFollower:
		return m.Term.Term
	case replication.CompleteChange:
		return m.Term.Term
	case replication.Append:
		return m.Term.Term
	case replication.Ack:
		return m.Term.Term
	case replication.Mismatch:
		return m.Term.Term
	case replication.HigherTerm:
		return m.Term.Term
	case replication.Confirm:
		return m.Term.Term
	case replication.Confirmed:
		return m.Term.Term
	case replication.SnapshotChunk:
		return m.Term.Term
	case replication.SnapshotAck:
		return m.Term.Term
	case replication.NewTermReply:
		return m.Term.Term
	case replication.BecomeLeaderReply:
		return m.Term.Term
	case replication.ChangeCompleted:
		return m.Term.Term
	}
	return 0
}
