package public

import (
	"context"
	"errors"
	"io"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

// WriteStream implements api.OxiaClientServer. One goroutine reads the client, and
// another, the call's own, proposes and answers. While that waits, for the client to
// take an answer or for room in the shard, nothing more is taken from the client.
func (s *Service) WriteStream(stream grpc.BidiStreamingServer[api.WriteRequest, api.WriteResponse]) error {
	t, err := s.streamTarget(stream.Context())
	if err != nil {
		return err
	}
	w := &writes{target: t, stream: stream, arrived: receive(s, stream)}
	return w.run(stream.Context(), s.options.Ending)
}

// streamTarget finds the shard that a stream's headers name.
func (s *Service) streamTarget(ctx context.Context) (*target, error) {
	in, _ := metadata.FromIncomingContext(ctx)
	namespace, err := once(in, api.HeaderNamespace)
	if err != nil {
		return nil, err
	}
	text, err := once(in, api.HeaderShard)
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, invalid("header "+api.HeaderShard, "is "+strconv.Quote(text), "send the number of a shard, in decimal")
	}
	t, err := s.targetOf(replication.ShardID(id))
	if err != nil {
		return nil, err
	}
	if _, found := t.directory.Namespace(namespace); !found {
		return nil, namespaceNotFound(namespace)
	}
	if t.Namespace != namespace {
		return nil, shardNotFound(t.ID)
	}
	return t, nil
}

// once returns a header that must come exactly once.
func once(in metadata.MD, header string) (string, error) {
	switch values := in.Get(header); len(values) {
	case 1:
		return values[0], nil
	case 0:
		return "", invalid("header "+header, "is missing", "send it once")
	default:
		return "", invalid("header "+header, "comes "+strconv.Itoa(len(values))+" times", "send it once")
	}
}

// writes are a stream's.
type writes struct {
	*target
	stream  grpc.BidiStreamingServer[api.WriteRequest, api.WriteResponse]
	arrived <-chan arrival[*api.WriteRequest]
	// open are the writes that were proposed and not answered, in order.
	open []*host.Call
}

// arrival is a request, or why there are no more.
type arrival[R any] struct {
	req R
	err error
}

// receive reads a client until its stream ends. It reads one request ahead of who takes
// them.
func receive[R any](s *Service, stream interface {
	Recv() (R, error)
	Context() context.Context
}) <-chan arrival[R] {
	arrived := make(chan arrival[R])
	s.receivers.Go(func() {
		for {
			req, err := stream.Recv()
			select {
			case arrived <- arrival[R]{req, err}:
			case <-stream.Context().Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	return arrived
}

// run proposes what arrives, and answers in the same order. After the first request
// that is not proposed, nothing is; what was before it is answered first.
func (w *writes) run(ctx context.Context, over <-chan struct{}) error {
	var last error
	for arrived := w.arrived; ; {
		if arrived == nil && len(w.open) == 0 {
			return last
		}
		from := arrived
		if len(w.open) >= maxStreamWrites {
			from = nil
		}
		var first <-chan struct{}
		if len(w.open) > 0 {
			first = w.open[0].Done()
		}
		select {
		case a := <-from:
			if err := w.take(ctx, a); err != nil {
				arrived, last = nil, endOf(err)
			}
		case <-first:
			if err := w.answer(); err != nil {
				return w.fail(ctx, err)
			}
		case <-over:
			arrived, over = nil, nil
			if last == nil {
				last = withRest(ending())
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take proposes a request that arrived.
func (w *writes) take(ctx context.Context, a arrival[*api.WriteRequest]) error {
	if a.err != nil {
		return a.err
	}
	if a.req.Shard != nil && replication.ShardID(a.req.GetShard()) != w.ID {
		return invalid("shard", "is another than the stream's header names", "leave it out, or open a stream for each shard")
	}
	call, err := w.propose(ctx, a.req)
	if err != nil {
		return err
	}
	w.open = append(w.open, call)
	return nil
}

// endOf is what a stream ends with that takes no more, and has answered all.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return withRest(err)
}

// answer answers the first write, which has ended, unless that failed.
func (w *writes) answer() error {
	res, err := w.written(w.open[0])
	if err != nil {
		return err
	}
	w.open[0] = nil
	w.open = w.open[1:]
	return w.stream.Send(res)
}

// fail ends a stream with the error of its first write without an answer. Only where
// none of those after it can have happened either may the client send it all again.
func (w *writes) fail(ctx context.Context, err error) error {
	happened := false
	for _, call := range w.open[1:] {
		if w.await(ctx, call) != nil {
			happened = true
			break
		}
		_, _, ended := call.Written()
		refused := (*host.RefusedError)(nil)
		happened = happened || !errors.As(ended, &refused) && !errors.Is(ended, host.ErrClosed)
	}
	if !happened {
		return withRest(err)
	}
	return unknownOutcome(w.ID)
}
