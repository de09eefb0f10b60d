package grpc

import (
	"context"
	"sync"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/grpc/wire"
)

// link is what two processes have with each other while one of them keeps
// connections to the other: a stream for each lane. It lives as long as the control
// stream.
type link struct {
	peer *peer
	// own is set if this process made it.
	own bool
	// run is the peer's; cluster is what it said to belong to.
	run     replication.RunID
	cluster string
	// ctx ends when the link does; end ends it.
	ctx context.Context
	end context.CancelFunc
	// streams counts those beside the control stream that still receive.
	streams sync.WaitGroup

	// The transport's mu guards what follows. Deliberate is set when it was this
	// process that ended the link, over when nothing joins it any more.
	deliberate, over bool
}

func newLink(ctx context.Context, p *peer, own bool) *link {
	l := &link{peer: p, own: own}
	l.ctx, l.end = context.WithCancel(ctx)
	return l
}

// rawStream is what gRPC's streams of callers and of the called have in common.
type rawStream interface {
	SendMsg(any) error
	RecvMsg(any) error
}

// stream is one lane of a link.
type stream struct {
	link *link
	kind laneKind
	// raw is gRPC's. It is closed by the end of ctx (a stream of one's own link) or
	// by its handler's return, which ctx ends (one of a link that the peer made).
	raw rawStream
	// ctx ends when the stream does; end ends it.
	ctx context.Context
	end context.CancelFunc
	// wake has a signal when there may be something to take.
	wake chan struct{}
}

func newStream(l *link, kind laneKind, raw rawStream) *stream {
	s := &stream{link: l, kind: kind, raw: raw, wake: make(chan struct{}, 1)}
	s.ctx, s.end = context.WithCancel(l.ctx)
	return s
}

func (s *stream) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default: // one signal is enough
	}
}

// carry attaches a stream, and carries envelopes both ways until it ends. It returns
// why it ended, when nothing that it received is still to be delivered.
func (t *Transport) carry(s *stream) error {
	queue := s.link.peer.lanes[s.kind]
	if before := queue.attach(s); before != nil {
		before.end()
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		t.write(s, queue)
	}()
	err := t.receive(s)
	s.end()
	<-written
	queue.detach(s)
	return err
}

// receive delivers what comes, until the stream ends.
func (t *Transport) receive(s *stream) error {
	counters := &t.counters[s.kind]
	in := inFrame{link: wire.Link{From: s.link.peer.id, FromRun: s.link.run, To: t.options.Self.ID}}
	for {
		in.frame = wire.Frame{}
		if err := s.raw.RecvMsg(&in); err != nil {
			return err
		}
		f := &in.frame
		counters.receivedFrames.Add(1)
		counters.receivedBytes.Add(uint64(in.bytes))
		counters.received.Add(uint64(len(f.Envelopes)))
		if f.Passed > 0 {
			counters.passed.Add(uint64(f.Passed))
		}
		if f.Refused > 0 {
			counters.refused.Add(uint64(f.Refused))
			t.options.Logger.Warn("a peer sent what is not well-formed", "peer", s.link.peer.id, "error", f.Fault)
		}
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if len(f.Envelopes) > 0 {
			t.options.Deliver(f.Envelopes)
		}
	}
}

// write sends what waits, until the stream ends. Where the receiver does not keep up
// it is this goroutine alone that waits.
func (t *Transport) write(s *stream, queue *lane) {
	var f outFrame
	for s.ctx.Err() == nil {
		if !queue.take(s, &f) {
			select {
			case <-s.wake:
			case <-s.ctx.Done():
			}
			continue
		}
		counters := &t.counters[s.kind]
		if err := s.raw.SendMsg(&f); err != nil {
			counters.lost.Add(uint64(len(f.items)))
			s.end()
			return
		}
		counters.sentFrames.Add(1)
		counters.sentBytes.Add(uint64(f.bytes))
		counters.sent.Add(uint64(len(f.items)))
	}
}
