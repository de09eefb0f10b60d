package maelstrom

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// shardID is the one shard.
const shardID replication.ShardID = 1

// loop owns everything that the node decides with. It takes its mail, steps the
// node, syncs the log, and hands back what came of it, until there is nothing
// left to do.
type loop struct {
	clock     *clock
	node      *replication.Node
	disk      *storage.Disk
	transport *transport
	store     *store
	clients   *clients
	logger    *slog.Logger
	// recording is the file to which the trace goes; nil if there is none.
	recording io.Closer

	mailbox <-chan mail
	// completed are the metadata store's events that the node has not been given.
	completed []storage.Completion
	// trimEvery is after how many applied entries the log is trimmed; zero is never.
	trimEvery int
	// led is the last term in which the replica here was seen to serve.
	led replication.Term
}

// mail is something for the loop to do.
type mail func(*loop)

// run works until stop is closed, or the disk fails.
func (l *loop) run(stop <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return nil
		case do := <-l.mailbox:
			do(l)
		case <-timer.C:
		}
		l.takeMail()
		next, err := l.settle()
		if err != nil {
			return err
		}
		timer.Reset(l.until(next))
	}
}

// until is how long there is nothing to do.
func (l *loop) until(next replication.Instant) time.Duration {
	if next == replication.Never {
		return time.Hour
	}
	return next.Sub(l.clock.now().Mono)
}

// takeMail takes what has arrived, so that one step and one sync serve it all.
func (l *loop) takeMail() {
	for range cap(l.mailbox) {
		select {
		case do := <-l.mailbox:
			do(l)
		default:
			return
		}
	}
}

// settle steps the node until nothing comes back at once, and returns when it
// next needs time. Messages leave before the log is synced: the leader's disk and
// its followers' work side by side.
func (l *loop) settle() (replication.Instant, error) {
	for {
		now := l.clock.now()
		work := l.disk.Machine().Work(now.Mono)
		l.store.expire(now.Mono)
		l.giveCompleted()
		outcomes, next := l.node.Step(now)
		for _, o := range outcomes {
			l.clients.ended(o)
		}
		l.transport.flush()
		l.reportLeading()
		more, err := l.complete()
		if err != nil {
			return replication.Never, err
		}
		if !more && !l.clients.takeAsked() {
			return earliest(next, l.store.deadline(), l.transport.router.Deadline(), work), nil
		}
	}
}

// complete gives the node what came of its submissions, and reports whether
// there was anything.
func (l *loop) complete() (bool, error) {
	more := len(l.completed) > 0
	for _, a := range l.disk.Log().Reads() {
		l.node.Complete(a.Shard, a.Read)
		more = true
	}
	durable, err := l.disk.Log().Sync()
	if err != nil {
		return false, err
	}
	for _, d := range durable {
		l.node.Complete(d.Shard, replication.LogDone{Sequence: d.Sequence})
		more = true
	}
	if err := l.disk.Machine().Failed(); err != nil {
		return false, err
	}
	done, answered := l.disk.Machine().Take()
	for _, c := range done {
		l.node.Complete(c.Shard, c.Event)
		more = true
	}
	for _, a := range answered {
		l.node.Answered(a.ID, a.Result)
		more = true
	}
	trimmed, err := l.trim()
	return more || trimmed, err
}

func (l *loop) giveCompleted() {
	completed := l.completed
	l.completed = nil
	for _, c := range completed {
		l.node.Complete(c.Shard, c.Event)
	}
}

// peerLine takes a line from another node.
func (l *loop) peerLine(from replication.ServerID, body peerBody) {
	for _, e := range l.transport.arrived(from, body) {
		if assign, ok := e.Message.(replication.Assign); ok {
			l.store.note(e.Shard, assign.Document)
		}
		l.node.Deliver(e)
	}
}

// reportLeading logs when the replica here begins to serve. Test benches wait for
// this line.
func (l *loop) reportLeading() {
	state, hosted := l.node.Replica(shardID)
	if hosted && state.Serving && state.Term.Term != l.led {
		l.led = state.Term.Term
		l.logger.Info(fmt.Sprintf("leads shard=%d term=%d", shardID, l.led))
	}
}

// earliest is the first of some instants; Never is later than any other.
func earliest(instants ...replication.Instant) replication.Instant {
	first := replication.Never
	for _, at := range instants {
		if first == replication.Never || (at != replication.Never && at < first) {
			first = at
		}
	}
	return first
}
