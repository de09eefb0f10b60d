package public

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
)

// Each question has one last word, with its own error; the stream goes on.
func TestQuestionsFailByThemselves(t *testing.T) {
	s, d := service()
	d.Told(told(1, "s2"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	to := newStream[api.ReadStreamRequest, api.ReadStreamResponse](ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.ReadStream(to) }()
	missing := int64(9)
	for _, c := range []struct {
		req    *api.ReadStreamRequest
		code   codes.Code
		reason api.Reason
	}{
		{&api.ReadStreamRequest{Id: 1}, codes.InvalidArgument, ""},
		{&api.ReadStreamRequest{Id: 2, Question: &api.ReadStreamRequest_Read{Read: &api.ReadRequest{}}}, codes.InvalidArgument, ""},
		{&api.ReadStreamRequest{Id: 3, Question: &api.ReadStreamRequest_List{List: &api.ListRequest{}}}, codes.InvalidArgument, ""},
		{&api.ReadStreamRequest{Id: 4, Question: &api.ReadStreamRequest_RangeScan{RangeScan: &api.RangeScanRequest{}}}, codes.InvalidArgument, ""},
		{&api.ReadStreamRequest{Id: 5, Question: &api.ReadStreamRequest_List{List: &api.ListRequest{Shard: &missing}}}, codes.NotFound, api.ReasonShardNotFound},
		// A number is free again when its question was answered.
		{&api.ReadStreamRequest{Id: 1}, codes.InvalidArgument, ""},
	} {
		to.requests <- c.req
		res := <-to.answers
		if e := res.GetError(); res.GetId() != c.req.GetId() || !res.GetLast() || codes.Code(e.GetCode()) != c.code || e.GetReason() != string(c.reason) || e.GetMessage() == "" {
			t.Errorf("to %v the answer is %v", c.req, res)
		}
	}
	stop()
	<-ended
	s.Close()
	if to.header != nil {
		t.Errorf("of no shard's keys the header says %v", to.header)
	}
}

// Two questions of one number cannot be told apart by who asked them; once the first is
// answered, its number is free. To cancel a question ends it, and no other.
func TestNumbersOfQuestions(t *testing.T) {
	q := &questions{free: make(chan struct{}, maxQuestions), open: map[uint64]context.CancelFunc{}}
	begin := func(id uint64) context.Context {
		t.Helper()
		q.free <- struct{}{}
		ctx, err := q.begin(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return ctx
	}
	seven, eight := begin(7), begin(8)
	_, err := q.begin(t.Context(), 7)
	refusal{code: codes.InvalidArgument, names: []string{"id", "7", "upwards"}}.check(t, "the same number twice", err)
	q.cancel(7)
	q.cancel(99) // nobody asked that
	if seven.Err() == nil || eight.Err() != nil {
		t.Errorf("after question 7 was cancelled: %v, %v", seven.Err(), eight.Err())
	}
	q.end(7)
	begin(7)
	q.end(7)
	q.end(8)
	if len(q.open) != 0 || len(q.free) != 0 {
		t.Errorf("%d questions are open, and %d hold a place", len(q.open), len(q.free))
	}
}
