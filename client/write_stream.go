package client

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
)

// writeStream is one WriteStream to a shard's leader. What becomes of it is told on
// events: an answer for each request, in order, and one error at the end. Both channels
// have room for all that may be in flight, so that neither side waits for the other.
type writeStream struct {
	address string
	events  chan streamEvent
	// sent counts the requests that were handed to gRPC; those beyond it never left.
	sent atomic.Int64

	requests chan *api.WriteRequest
	cancel   context.CancelFunc
}

// streamEvent is an answer, or the stream's end.
type streamEvent struct {
	answer *api.WriteResponse
	err    error
}

// openWriteStream starts a stream. It fails only if the client is closed; whatever
// else goes wrong is an event.
func (c *Client) openWriteStream(id int64, address string) (*writeStream, bool) {
	ctx, cancel := context.WithCancel(c.ctx)
	s := &writeStream{
		address:  address,
		events:   make(chan streamEvent, c.conf.maxInFlight+1),
		requests: make(chan *api.WriteRequest, c.conf.maxInFlight),
		cancel:   cancel,
	}
	return s, c.start(func() {
		defer cancel()
		s.tell(c.ctx, streamEvent{err: s.run(ctx, c, id)})
	})
}

// run carries requests and answers until the stream ends, and returns why it did.
func (s *writeStream) run(ctx context.Context, c *Client, id int64) error {
	conn, err := c.pool.get(s.address, forCalls)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx,
		api.HeaderNamespace, c.conf.namespace, api.HeaderShard, formatShard(id)))
	stream, err := api.NewOxiaClientClient(conn).WriteStream(ctx)
	if err != nil {
		cancel()
		return err
	}
	var sender sync.WaitGroup
	sender.Go(func() { s.send(ctx, stream) })
	defer sender.Wait()
	defer cancel()
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		s.tell(ctx, streamEvent{answer: answer})
	}
}

// tell passes an event on. There is room, unless the server answers what it was not
// asked.
func (s *writeStream) tell(ctx context.Context, event streamEvent) {
	select {
	case s.events <- event:
	case <-ctx.Done():
	}
}

// send passes requests on until the stream ends, which the receiver notices.
func (s *writeStream) send(ctx context.Context, stream grpc.BidiStreamingClient[api.WriteRequest, api.WriteResponse]) {
	for {
		select {
		case <-ctx.Done():
			return
		case req := <-s.requests:
			s.sent.Add(1)
			if stream.Send(req) != nil {
				return
			}
		}
	}
}
