package public

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/server/cluster"
	"github.com/ostraka-db/ostraka/server/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a cluster of two servers; s2 leads its one shard, which has half the hashes.
func told(revision int64, leader string) *api.ClusterState {
	return &api.ClusterState{
		Revision: revision,
		Servers:  []*api.ServerAddress{{Server: "s1", Public: "h1:1"}, {Server: "s2", Public: "h2:1"}},
		Shards: []*api.ShardState{{
			Namespace: "default", Shard: 0, MaxHashInclusive: 1 << 31, Term: revision, Leader: leader,
		}},
		AllowedAuthorities: []string{"h1:1", "h2:1"},
		Namespaces:         []string{"default", "other"},
	}
}

// service is one whose host does nothing: what needs more is tested with real servers,
// in package server. Nothing is known of the cluster yet.
func service(change ...func(*Options)) (*Service, *cluster.Directory) {
	d, h := cluster.NewDirectory(), &host.Host{}
	o := Options{Directory: d, Host: func() *host.Host { return h }, Draining: func() bool { return false }}
	for _, do := range change {
		do(&o)
	}
	return New(o), d
}

// stream is a client's stream, of which a test is the client. What nobody puts into
// requests ends it.
type stream[Req, Res any] struct {
	grpc.ServerStream
	ctx      context.Context
	requests chan *Req
	answers  chan *Res
	header   metadata.MD
}

func newStream[Req, Res any](ctx context.Context, headers ...string) *stream[Req, Res] {
	return &stream[Req, Res]{
		ctx: metadata.NewIncomingContext(ctx, metadata.Pairs(headers...)), requests: make(chan *Req), answers: make(chan *Res),
	}
}

func (s *stream[Req, Res]) Context() context.Context { return s.ctx }

func (s *stream[Req, Res]) SetHeader(header metadata.MD) error {
	s.header = metadata.Join(s.header, header)
	return nil
}

func (s *stream[Req, Res]) Send(res *Res) error {
	select {
	case s.answers <- res:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *stream[Req, Res]) Recv() (*Req, error) {
	select {
	case req := <-s.requests:
		return req, nil
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

// refusal is how a call has to end that cannot be carried out.
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
