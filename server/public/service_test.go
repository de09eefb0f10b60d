package public

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// calls are all calls that are for a shard, with nothing wrong but perhaps the shard.
func calls(s *Service) map[string]func(context.Context, int64) error {
	put := &api.PutRequest{Key: "k"}
	get := []*api.TransactionOperation{{Operation: &api.TransactionOperation_Get{Get: &api.TransactionGet{Key: "k"}}}}
	return map[string]func(context.Context, int64) error{
		"Write": func(ctx context.Context, id int64) error {
			_, err := s.Write(ctx, &api.WriteRequest{Shard: &id, Puts: []*api.PutRequest{put}})
			return err
		},
		"WriteStream": func(ctx context.Context, id int64) error {
			return s.WriteStream(newStream[api.WriteRequest, api.WriteResponse](ctx,
				api.HeaderNamespace, "default", api.HeaderShard, strconv.FormatInt(id, 10)))
		},
		"Read": func(ctx context.Context, id int64) error {
			return s.Read(&api.ReadRequest{Shard: &id}, newStream[api.ReadRequest, api.ReadResponse](ctx))
		},
		"List": func(ctx context.Context, id int64) error {
			return s.List(&api.ListRequest{Shard: &id}, newStream[api.ListRequest, api.ListResponse](ctx))
		},
		"RangeScan": func(ctx context.Context, id int64) error {
			return s.RangeScan(&api.RangeScanRequest{Shard: &id}, newStream[api.RangeScanRequest, api.RangeScanResponse](ctx))
		},
		"GetSequenceUpdates": func(ctx context.Context, id int64) error {
			return s.GetSequenceUpdates(&api.GetSequenceUpdatesRequest{Shard: id, Key: "k"},
				newStream[api.GetSequenceUpdatesRequest, api.GetSequenceUpdatesResponse](ctx))
		},
		"GetNotifications": func(ctx context.Context, id int64) error {
			return s.GetNotifications(&api.NotificationsRequest{Shard: id}, newStream[api.NotificationsRequest, api.NotificationBatch](ctx))
		},
		"CreateSession": func(ctx context.Context, id int64) error {
			_, err := s.CreateSession(ctx, &api.CreateSessionRequest{Shard: id, SessionTimeoutMs: 5000})
			return err
		},
		"KeepAlive": func(ctx context.Context, id int64) error {
			_, err := s.KeepAlive(ctx, &api.SessionHeartbeat{Shard: id, SessionId: 1})
			return err
		},
		"CloseSession": func(ctx context.Context, id int64) error {
			_, err := s.CloseSession(ctx, &api.CloseSessionRequest{Shard: id, SessionId: 1})
			return err
		},
		"Transact": func(ctx context.Context, id int64) error {
			_, err := s.Transact(ctx, &api.TransactRequest{Shard: id, Transaction: &api.TransactionRequest{Operations: get}})
			return err
		},
		"WriteOnce": func(ctx context.Context, id int64) error {
			_, err := s.WriteOnce(ctx, &api.WriteOnceRequest{Shard: id})
			return err
		},
	}
}

func TestEveryCallWaitsForTheMap(t *testing.T) {
	s, _ := service()
	for name, call := range calls(s) {
		refusal{codes.Unavailable, api.ReasonNotInitialized, []string{"coordinator"}}.check(t, name, call(t.Context(), 0))
	}
	_, err := s.GetServerStatus(t.Context(), &api.GetServerStatusRequest{})
	refusal{codes.Unavailable, api.ReasonNotInitialized, nil}.check(t, "GetServerStatus", err)
	err = s.GetShardAssignments(&api.ShardAssignmentsRequest{}, newStream[api.ShardAssignmentsRequest, api.ShardAssignments](t.Context()))
	refusal{codes.Unavailable, api.ReasonNotInitialized, nil}.check(t, "GetShardAssignments", err)
}

func TestEveryCallNamesAShardThatThereIs(t *testing.T) {
	s, d := service()
	d.Told(told(1, "s2"))
	for name, call := range calls(s) {
		for _, id := range []int64{-1, 1, 1 << 62} {
			err := call(t.Context(), id)
			refusal{codes.NotFound, api.ReasonShardNotFound, []string{strconv.FormatInt(id, 10), "shard map"}}.check(t, name, err)
			if _, details := api.ReasonOf(err); details[api.MetadataShard] != strconv.FormatInt(id, 10) {
				t.Errorf("%s: the details are %v", name, details)
			}
		}
	}
}

// What is wrong with a request is said before anything is asked of the shard.
func TestBadFieldsAreNamed(t *testing.T) {
	s, d := service()
	d.Told(told(1, "s2"))
	ctx, zero := t.Context(), int64(0)
	invalid := func(names ...string) refusal { return refusal{code: codes.InvalidArgument, names: names} }
	for what, bad := range map[string]struct {
		err error
		refusal
	}{
		"a write without a shard":       {second(s.Write(ctx, &api.WriteRequest{})), invalid("shard", "name the shard")},
		"a write of nothing":            {second(s.Write(ctx, &api.WriteRequest{Shard: &zero})), invalid("send at least one")},
		"a list without a shard":        {s.List(&api.ListRequest{}, newStream[api.ListRequest, api.ListResponse](ctx)), invalid("shard", "name the shard")},
		"a scan without a shard":        {s.RangeScan(&api.RangeScanRequest{}, newStream[api.RangeScanRequest, api.RangeScanResponse](ctx)), invalid("shard", "name the shard")},
		"a read without a shard":        {s.Read(&api.ReadRequest{}, newStream[api.ReadRequest, api.ReadResponse](ctx)), invalid("shard", "name the shard")},
		"a sequence without a key":      {s.sequence(ctx, ""), invalid("key", "prefix")},
		"a sequence with a long key":    {s.sequence(ctx, strings.Repeat("k", kv.MaxKeyBytes+1)), invalid("key", "too long")},
		"a session of no time":          {second(s.CreateSession(ctx, &api.CreateSessionRequest{})), refusal{codes.InvalidArgument, api.ReasonInvalidSessionTimeout, []string{"session_timeout_ms"}}},
		"a transaction that is not":     {second(s.Transact(ctx, &api.TransactRequest{})), invalid("transaction", "missing")},
		"a transaction of nothing":      {second(s.Transact(ctx, &api.TransactRequest{Transaction: &api.TransactionRequest{}})), invalid("operation", "send at least one")},
		"a named write without a name":  {second(s.WriteOnce(ctx, &api.WriteOnceRequest{})), invalid("name")},
		"an unknown namespace's shards": {s.GetShardAssignments(&api.ShardAssignmentsRequest{Namespace: "no"}, newStream[api.ShardAssignmentsRequest, api.ShardAssignments](ctx)), refusal{codes.NotFound, api.ReasonNamespaceNotFound, []string{`"no"`}}},
	} {
		bad.check(t, what, bad.err)
	}
}

func second[T any](_ T, err error) error { return err }

// sequence asks for the updates of a sequence.
func (s *Service) sequence(ctx context.Context, key string) error {
	return s.GetSequenceUpdates(&api.GetSequenceUpdatesRequest{Key: key},
		newStream[api.GetSequenceUpdatesRequest, api.GetSequenceUpdatesResponse](ctx))
}

func TestHeadersOfAStreamOfWrites(t *testing.T) {
	s, d := service()
	d.Told(told(1, "s2"))
	for what, bad := range map[string]struct {
		headers []string
		refusal
	}{
		"none":              {nil, refusal{code: codes.InvalidArgument, names: []string{"namespace", "missing", "send it once"}}},
		"no shard":          {[]string{"namespace", "default"}, refusal{code: codes.InvalidArgument, names: []string{"shard-id", "missing"}}},
		"two shards":        {[]string{"namespace", "default", "shard-id", "0", "shard-id", "0"}, refusal{code: codes.InvalidArgument, names: []string{"shard-id", "2 times"}}},
		"a shard in hex":    {[]string{"namespace", "default", "shard-id", "0x0"}, refusal{code: codes.InvalidArgument, names: []string{"shard-id", "decimal"}}},
		"a large shard":     {[]string{"namespace", "default", "shard-id", "9223372036854775808"}, refusal{code: codes.InvalidArgument, names: []string{"shard-id"}}},
		"another namespace": {[]string{"namespace", "other", "shard-id", "0"}, refusal{codes.NotFound, api.ReasonShardNotFound, nil}},
		"no such namespace": {[]string{"namespace", "no", "shard-id", "0"}, refusal{codes.NotFound, api.ReasonNamespaceNotFound, []string{`"no"`}}},
	} {
		bad.check(t, what, s.WriteStream(newStream[api.WriteRequest, api.WriteResponse](t.Context(), bad.headers...)))
	}
}
