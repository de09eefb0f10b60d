package public

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
)

// ReadStream implements api.OstrakaServer. Each question has a goroutine; when
// maxQuestions are being answered, the next is read from the client when one is done.
func (s *Service) ReadStream(stream grpc.BidiStreamingServer[api.ReadStreamRequest, api.ReadStreamResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	q := &questions{
		service: s, stream: stream, free: make(chan struct{}, maxQuestions), open: map[uint64]context.CancelFunc{},
	}
	err := q.run(ctx, receive(s, stream))
	if err != nil {
		cancel() // after an error, nobody waits for the rest
	}
	q.running.Wait()
	return err
}

// questions are a stream's.
type questions struct {
	service *Service
	stream  grpc.BidiStreamingServer[api.ReadStreamRequest, api.ReadStreamResponse]
	free    chan struct{}
	running sync.WaitGroup

	mu sync.Mutex
	// open are those that are being answered, and how they are cancelled.
	open map[uint64]context.CancelFunc
	// sending is held while something is sent, and guards order.
	sending sync.Mutex
	// order is that of the keys of every shard asked for so far. Said is set when
	// something was sent, and with it the header.
	order string
	said  bool
}

// run takes questions from the client, until it has no more or the server ends.
func (q *questions) run(ctx context.Context, arrived <-chan arrival[*api.ReadStreamRequest]) error {
	for {
		select {
		case a := <-arrived:
			switch {
			case errors.Is(a.err, io.EOF):
				return nil
			case a.err != nil:
				return a.err
			case a.req.GetCancel():
				q.cancel(a.req.GetId())
				continue
			}
			if err := q.take(ctx, a.req); err != nil {
				return err
			}
		case <-q.service.options.Ending:
			return ending()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take begins to answer a question, when there is room for it.
func (q *questions) take(ctx context.Context, req *api.ReadStreamRequest) error {
	select {
	case q.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, err := q.begin(ctx, req.GetId())
	if err != nil {
		return err
	}
	q.running.Go(func() {
		defer q.end(req.GetId())
		// What cannot be sent has no client any more, and the stream ends by itself.
		_ = q.say(&api.ReadStreamResponse{Id: req.GetId(), Last: true, Error: questionError(q.answer(ctx, req))})
	})
	return nil
}

// begin takes note of a question.
func (q *questions) begin(ctx context.Context, id uint64) (context.Context, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[id] != nil {
		return nil, invalid("id", strconv.FormatUint(id, 10)+" is that of a question that is being answered", "number questions upwards")
	}
	ctx, cancel := context.WithCancel(ctx)
	q.open[id] = cancel
	return ctx, nil
}

func (q *questions) cancel(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cancel := q.open[id]; cancel != nil {
		cancel()
	}
}

func (q *questions) end(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open[id]()
	delete(q.open, id)
	<-q.free
}

// say sends a part of an answer.
func (q *questions) say(part *api.ReadStreamResponse) error {
	q.sending.Lock()
	defer q.sending.Unlock()
	q.said = true
	return q.stream.Send(part)
}

// answer answers one question, but for its last word.
func (q *questions) answer(ctx context.Context, req *api.ReadStreamRequest) error {
	s, id := q.service, req.GetId()
	switch question := req.GetQuestion().(type) {
	case *api.ReadStreamRequest_Read:
		t, err := s.target(question.Read.Shard)
		if err != nil {
			return err
		}
		return s.read(ctx, t, question.Read, q.tellOrder, func(part *api.ReadResponse) error {
			return q.say(&api.ReadStreamResponse{Id: id, Answer: &api.ReadStreamResponse_Read{Read: part}})
		})
	case *api.ReadStreamRequest_List:
		t, err := s.target(question.List.Shard)
		if err != nil {
			return err
		}
		return s.list(ctx, t, question.List, q.tellOrder, func(part *api.ListResponse) error {
			return q.say(&api.ReadStreamResponse{Id: id, Answer: &api.ReadStreamResponse_List{List: part}})
		})
	case *api.ReadStreamRequest_RangeScan:
		t, err := s.target(question.RangeScan.Shard)
		if err != nil {
			return err
		}
		return s.scan(ctx, t, question.RangeScan, q.tellOrder, func(part *api.RangeScanResponse) error {
			return q.say(&api.ReadStreamResponse{Id: id, Answer: &api.ReadStreamResponse_RangeScan{RangeScan: part}})
		})
	}
	return invalid("question", "is missing", "set one of read, list, range_scan and cancel")
}

// tellOrder puts the order of a shard's keys into the stream's header, unless that has
// gone with the error of an earlier question. Shards of another order need a stream of
// their own.
func (q *questions) tellOrder(settings *api.ShardSettings) error {
	order := sorting(settings)
	q.sending.Lock()
	defer q.sending.Unlock()
	switch q.order {
	case order:
		return nil
	case "":
		q.order = order
		if q.said {
			return nil
		}
		return q.stream.SetHeader(metadata.Pairs(api.HeaderKeyOrder, order))
	}
	return invalid("shard", fmt.Sprintf("has its keys in the order %s, and this stream has begun with one of the order %s", order, q.order),
		"open a stream for each order")
}

// questionError is what a question's last word says of how it ended; nil if it was
// answered.
func questionError(err error) *api.ReadStreamError {
	if err == nil {
		return nil
	}
	s := status.Convert(err)
	if errors.Is(err, context.Canceled) {
		s = status.New(codes.Canceled, "the question was cancelled")
	}
	reason, metadata := api.ReasonOf(err)
	return &api.ReadStreamError{Code: int32(s.Code()), Message: s.Message(), Reason: string(reason), Metadata: metadata}
}
