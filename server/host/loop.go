package host

import (
	"encoding/binary"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// loop is the goroutine that drives the node. It alone touches it: it takes what has
// arrived, lets the node step, and begins what that asked of others.
type loop struct {
	host *Host
	node *replication.Node
	// open are the calls that the node has, by its number for them.
	open map[replication.RequestID]*Call
	last replication.RequestID
	// leads are the shards that are led from here. Lost are those that were, and when
	// their calls end that a leader without a quorum cannot answer.
	leads map[replication.ShardID]bool
	lost  map[replication.ShardID]replication.Instant
	// traffic counts the calls that were carried out.
	traffic map[replication.ShardID]*Traffic
	// empty is a mail to be filled next.
	empty mail
}

// newLoop returns a loop that has no node yet.
func newLoop(h *Host) *loop {
	return &loop{
		host: h, open: map[replication.RequestID]*Call{},
		leads: map[replication.ShardID]bool{}, lost: map[replication.ShardID]replication.Instant{},
		traffic: map[replication.ShardID]*Traffic{},
	}
}

// run works until the host stops. Then every call ends.
func (l *loop) run() {
	defer l.abandon()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.host.stop:
			return
		case <-l.host.mail.wake:
		case <-timer.C:
		}
		taken := l.host.mail.take(l.empty)
		l.deal(&taken)
		l.empty = taken.emptied()
		next := l.settle()
		if next == replication.Never {
			timer.Stop()
			continue
		}
		timer.Reset(max(next.Sub(l.host.clock.now().Mono), 0))
	}
}

// deal hands the node what has arrived. While the log has no room, what would make it
// longer is turned away: peers send it again, and clients are told.
func (l *loop) deal(m *mail) {
	noRoom := l.host.log.log.Full() || l.host.log.log.Low()
	for _, e := range m.envelopes {
		if noRoom && lengthens(e.Message) {
			l.host.mail.dropped.Add(1)
			continue
		}
		l.node.Deliver(e)
	}
	if len(m.gone) > 0 {
		// What a link brought before it broke must not end the silence that follows.
		l.settle()
	}
	for _, g := range m.gone {
		if g.over {
			l.node.PeerOver(g.peer)
		} else {
			l.node.PeerGone(g.peer)
		}
	}
	for _, c := range m.events {
		l.node.Complete(c.Shard, c.Event)
	}
	for _, c := range m.calls {
		if noRoom && c.kind == replication.RequestWrite {
			l.end(c, replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedOverload})
			continue
		}
		l.take(c)
	}
	for _, do := range m.tasks {
		do(l)
	}
}

// lengthens reports whether a message makes the log longer by what clients wrote.
func lengthens(m replication.Message) bool {
	a, ok := m.(replication.Append)
	return ok && len(a.Entries) > 0
}

// take gives a call to the node, which answers it here or not at all. For a leader that
// does not serve yet, or has lost its quorum, it does not wait for long.
func (l *loop) take(c *Call) {
	l.last++
	l.open[l.last] = c
	deadline := l.host.clock.instant(c.deadline)
	if !l.leads[c.shard] {
		deadline = min(deadline, l.host.clock.now().Mono.Add(lostAfter))
	}
	l.node.Request(replication.Request{
		ID: l.last, Shard: c.shard, Kind: c.kind, Body: c.payload, Here: true,
		Deadline: deadline,
	})
}

// settle steps the node until nothing comes back at once, and returns when it next
// needs time. Messages have left before the log is synced: the disk here and those of
// the others work side by side.
func (l *loop) settle() replication.Instant {
	for {
		began := time.Now()
		outcomes, next := l.node.Step(l.host.clock.now())
		l.host.observer.Stepped(time.Since(began))
		l.host.log.start()
		l.host.state.start()
		for _, o := range outcomes {
			if c := l.open[o.ID]; c != nil {
				delete(l.open, o.ID)
				l.end(c, o.Outcome)
			}
		}
		if !l.answer() {
			return earliest(next, l.giveUp())
		}
	}
}

// Serving implements replication.Reigns.
func (l *loop) Serving(shard replication.ShardID, term replication.Term) {
	delete(l.lost, shard)
	l.leads[shard] = true
	l.host.notices.serving(shard, term)
	l.host.logger.Info("leads", "shard", shard, "term", term)
	l.host.reigns.Serving(shard, term)
}

// NotServing implements replication.Reigns.
func (l *loop) NotServing(shard replication.ShardID, term replication.Term) {
	delete(l.leads, shard)
	l.lost[shard] = l.host.clock.now().Mono.Add(lostAfter)
	l.host.notices.serving(shard, 0)
	l.host.logger.Info("leads no more", "shard", shard, "term", term)
	l.host.reigns.NotServing(shard, term)
}

// giveUp ends the calls of shards that have not been led from here for a while: a
// write that is in the log waits for a quorum, or for the next leader's word, that may
// be long in coming. It returns when it is next to be called.
func (l *loop) giveUp() replication.Instant {
	if len(l.lost) == 0 {
		return replication.Never
	}
	now, next := l.host.clock.now().Mono, replication.Never
	for shard, at := range l.lost {
		if at > now {
			next = earliest(next, at)
			continue
		}
		delete(l.lost, shard)
		for id, c := range l.open {
			if c.shard == shard {
				delete(l.open, id)
				l.end(c, unanswered(c.kind))
			}
		}
	}
	return next
}

// unanswered is how a call ends that the node will not answer.
func unanswered(kind replication.RequestKind) replication.Outcome {
	if kind == replication.RequestWrite {
		return replication.Outcome{Kind: replication.OutcomeUnknown}
	}
	return replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedNotLeader}
}

// earliest is the first of two instants; Never is later than any other.
func earliest(a, b replication.Instant) replication.Instant {
	if a == replication.Never || (b != replication.Never && b < a) {
		return b
	}
	return a
}

// answer gives confirmed reads the right to read the state, and reports whether there
// were any.
func (l *loop) answer() bool {
	queries := l.host.state.queries
	for _, q := range queries {
		l.node.Answered(q.query, binary.LittleEndian.AppendUint64(nil, q.generation))
	}
	l.host.state.queries = queries[:0]
	return len(queries) > 0
}

func (l *loop) end(c *Call, o replication.Outcome) {
	l.host.calls.Add(-1)
	if o.Kind == replication.OutcomeDone {
		l.count(c)
	}
	l.host.observer.Ended(c.kind, o, time.Since(c.began))
	c.end(o)
}

// abandon ends every call: those that the node had, and those that it did not get.
func (l *loop) abandon() {
	left := l.host.mail.close()
	for _, c := range l.open {
		c.abandon(true)
	}
	for _, c := range left.calls {
		c.abandon(false)
	}
	l.host.calls.Store(0)
}
