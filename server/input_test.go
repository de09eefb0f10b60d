package server

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// refusal is how a request that cannot be carried out has to end.
type refusal struct {
	code   codes.Code
	reason api.Reason
	// names are what the message has to say, the field and the remedy among it.
	names []string
}

func (r refusal) check(t *testing.T, what string, err error) {
	t.Helper()
	reason, _ := api.ReasonOf(err)
	if status.Code(err) != r.code || reason != r.reason {
		t.Errorf("%s ended with %v (reason %q), want %v (reason %q)", what, err, reason, r.code, r.reason)
	}
	for _, name := range r.names {
		if !strings.Contains(status.Convert(err).Message(), name) {
			t.Errorf("%s: the message %q does not say %q", what, status.Convert(err).Message(), name)
		}
	}
}

func TestBadWritesAreRefused(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	minusTwo := int64(-2)
	otherShard := s.GetShard() + 1
	outside := outsideOf(s)
	with := func(change func(*api.PutRequest)) *api.WriteRequest {
		req := routed(s, "k", "v")
		change(req.Puts[0])
		return req
	}
	invalid := func(names ...string) refusal { return refusal{code: codes.InvalidArgument, names: names} }
	for what, bad := range map[string]struct {
		req *api.WriteRequest
		refusal
	}{
		"no operation":  {&api.WriteRequest{}, invalid("request", "send at least one")},
		"no key":        {with(func(p *api.PutRequest) { p.Key = "" }), invalid("puts[0].key")},
		"long key":      {with(func(p *api.PutRequest) { p.Key = strings.Repeat("k", kv.MaxKeyBytes+1) }), invalid("puts[0].key", strconv.Itoa(kv.MaxKeyBytes))},
		"internal key":  {with(func(p *api.PutRequest) { p.Key = kv.InternalPrefix + "x" }), invalid("puts[0].key", kv.InternalPrefix)},
		"large value":   {with(func(p *api.PutRequest) { p.Value = make([]byte, kv.MaxValueBytes+1) }), invalid("puts[0].value", strconv.Itoa(kv.MaxValueBytes))},
		"bad condition": {with(func(p *api.PutRequest) { p.ExpectedVersionId = &minusTwo }), invalid("puts[0].expected_version_id")},
		"long identity": {with(func(p *api.PutRequest) {
			identity := strings.Repeat("i", kv.MaxIdentityBytes+1)
			p.ClientIdentity = &identity
		}), invalid("puts[0].client_identity")},
		"another shard's record":  {with(func(p *api.PutRequest) { p.PartitionKey = &outside }), invalid("puts[0]", "shard")},
		"another shard's number":  {&api.WriteRequest{Shard: &otherShard, Puts: routed(s, "k", "v").Puts}, invalid("shard", "leave it out")},
		"a delete without a key":  {&api.WriteRequest{Deletes: []*api.DeleteRequest{{}}}, invalid("deletes[0].key")},
		"a range with a long end": {&api.WriteRequest{DeleteRanges: []*api.DeleteRangeRequest{{EndExclusive: strings.Repeat("k", kv.MaxKeyBytes+1)}}}, invalid("delete_ranges[0].end_exclusive")},
	} {
		_, err := c.write(s, bad.req)
		bad.check(t, what, err)
	}
	// Nothing was lost by it, and nothing done.
	if _, found, err := c.get(s, "k"); err != nil || found != api.Status_KEY_NOT_FOUND {
		t.Errorf("after all that a read finds %v, %v", found, err)
	}
	if _, err := c.write(s, routed(s, "k", "v")); err != nil {
		t.Errorf("after all that a write ends with %v", err)
	}
}

// outsideOf is a partition key that another shard holds.
func outsideOf(s *api.ShardAssignment) string {
	for i := 0; ; i++ {
		route := "outside" + strconv.Itoa(i)
		if h := keyspace.Hash(route); h < s.GetInt32HashRange().GetMinHashInclusive() || h > s.GetInt32HashRange().GetMaxHashInclusive() {
			return route
		}
	}
}

func TestBadHeadersOfStreamsAreRefused(t *testing.T) {
	c := startTestCluster(t,
		&api.Namespace{Name: "default", InitialShardCount: 1, ReplicationFactor: 3},
		&api.Namespace{Name: "other", InitialShardCount: 1, ReplicationFactor: 3})
	s := c.first()
	shard := strconv.FormatInt(s.GetShard(), 10)
	for what, bad := range map[string]struct {
		headers []string
		refusal
	}{
		"no namespace":   {[]string{api.HeaderShard, shard}, refusal{code: codes.InvalidArgument, names: []string{"namespace", "missing"}}},
		"no shard":       {[]string{api.HeaderNamespace, "default"}, refusal{code: codes.InvalidArgument, names: []string{"shard-id", "missing"}}},
		"two shards":     {[]string{api.HeaderNamespace, "default", api.HeaderShard, shard, api.HeaderShard, shard}, refusal{code: codes.InvalidArgument, names: []string{"shard-id", "2 times"}}},
		"two namespaces": {[]string{api.HeaderNamespace, "default", api.HeaderNamespace, "default", api.HeaderShard, shard}, refusal{code: codes.InvalidArgument, names: []string{"namespace", "2 times"}}},
		"no number":      {[]string{api.HeaderNamespace, "default", api.HeaderShard, "one"}, refusal{code: codes.InvalidArgument, names: []string{"shard-id", `"one"`}}},
		"unknown shard": {[]string{api.HeaderNamespace, "default", api.HeaderShard, "99"},
			refusal{codes.NotFound, api.ReasonShardNotFound, []string{"99"}}},
		"unknown namespace": {[]string{api.HeaderNamespace, "nowhere", api.HeaderShard, shard},
			refusal{codes.NotFound, api.ReasonNamespaceNotFound, []string{"nowhere"}}},
		"another namespace's shard": {[]string{api.HeaderNamespace, "other", api.HeaderShard, shard},
			refusal{codes.NotFound, api.ReasonShardNotFound, []string{shard}}},
	} {
		_, err := c.streamWith(s.GetLeader(), bad.headers...).Recv()
		bad.check(t, what, err)
	}
}

func TestBadReadsAreRefused(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	client, shard := c.client(s.GetLeader()), s.GetShard()
	unknown := int64(math.MaxInt64)
	for what, bad := range map[string]struct {
		call func() (interface{ RecvMsg(any) error }, error)
		refusal
	}{
		"a read without a shard": {func() (interface{ RecvMsg(any) error }, error) {
			return client.Read(c.ctx, &api.ReadRequest{Gets: []*api.GetRequest{{Key: "k"}}})
		}, refusal{code: codes.InvalidArgument, names: []string{"shard", "name the shard"}}},
		"a read of a shard that is not": {func() (interface{ RecvMsg(any) error }, error) {
			return client.Read(c.ctx, &api.ReadRequest{Shard: &unknown})
		}, refusal{codes.NotFound, api.ReasonShardNotFound, nil}},
		"an unknown comparison": {func() (interface{ RecvMsg(any) error }, error) {
			return client.Read(c.ctx, &api.ReadRequest{Shard: &shard, Gets: []*api.GetRequest{{Key: "k", ComparisonType: 77}}})
		}, refusal{code: codes.InvalidArgument, names: []string{"gets[0].comparison_type", "EQUAL"}}},
		"a list without a shard": {func() (interface{ RecvMsg(any) error }, error) {
			return client.List(c.ctx, &api.ListRequest{})
		}, refusal{code: codes.InvalidArgument, names: []string{"shard"}}},
		"a scan from a long key": {func() (interface{ RecvMsg(any) error }, error) {
			return client.RangeScan(c.ctx, &api.RangeScanRequest{Shard: &shard, StartInclusive: strings.Repeat("k", kv.MaxKeyBytes+1)})
		}, refusal{code: codes.InvalidArgument, names: []string{"start_inclusive"}}},
		"an unknown namespace": {func() (interface{ RecvMsg(any) error }, error) {
			return client.GetShardAssignments(c.ctx, &api.ShardAssignmentsRequest{Namespace: "nowhere"})
		}, refusal{codes.NotFound, api.ReasonNamespaceNotFound, []string{"nowhere"}}},
	} {
		stream, err := bad.call()
		if err == nil {
			err = stream.RecvMsg(&api.ReadResponse{})
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		bad.check(t, what, err)
	}
}

func TestBadTransactionsAreRefused(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	client := api.NewOstrakaClient(c.conn(s.GetLeader()))
	outside := outsideOf(s)
	put := []*api.TransactionOperation{{Operation: &api.TransactionOperation_Put{Put: &api.TransactionPut{Key: "k"}}}}
	for what, bad := range map[string]struct {
		req *api.TransactRequest
		refusal
	}{
		"no transaction": {&api.TransactRequest{Shard: s.GetShard()}, refusal{code: codes.InvalidArgument, names: []string{"transaction", "missing"}}},
		"nothing to do": {&api.TransactRequest{Shard: s.GetShard(), Transaction: &api.TransactionRequest{}},
			refusal{code: codes.InvalidArgument}},
		"another shard's": {&api.TransactRequest{Shard: s.GetShard(), Transaction: &api.TransactionRequest{PartitionKey: &outside, Operations: put}},
			refusal{code: codes.InvalidArgument, names: []string{"shard"}}},
		"a shard that is not": {&api.TransactRequest{Shard: 99, Transaction: &api.TransactionRequest{Operations: put}},
			refusal{codes.NotFound, api.ReasonShardNotFound, nil}},
	} {
		_, err := client.Transact(c.ctx, bad.req)
		bad.check(t, what, err)
	}
}
