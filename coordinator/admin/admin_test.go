package admin

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// fake is a cluster whose configuration is in memory, and whose status follows at
// once.
type fake struct {
	config *api.ClusterConfiguration
	lease  lease.State
	known  bool
	status plan.Status
	// fails is what updates end with.
	fails error
}

func newFake(t *testing.T) *fake {
	t.Helper()
	config, err := config.Parse("f", []byte(`
namespaces:
- {name: default, initialShardCount: 2, replicationFactor: 2}
servers:
- {name: s1, public: "one:1", internal: "one:2"}
- {name: s2, public: "two:1", internal: "two:2"}
- {public: "three:1", internal: "three:2"}
serverMetadata: {s1: {labels: {zone: a}}}
coordinators: [{name: c2, publicAddress: "hint:6651"}]
`))
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{config: config, known: true, lease: lease.State{Known: true, Leads: true, Holder: "c1"}}
	f.follow()
	f.status.Servers = append(f.status.Servers, plan.Server{Name: "gone", Public: "g:1", Internal: "g:2", Removed: true})
	return f
}

func (f *fake) follow() {
	decision := plan.Plan(f.config, plan.Observed{Status: f.status})
	f.status = plan.Apply(f.status, decision.Actions)
}

func (f *fake) Snapshot() coordinator.Snapshot {
	s := coordinator.Snapshot{Config: f.config, Lease: f.lease, Known: f.known}
	if !f.known {
		return s
	}
	s.Status = f.status
	s.Shards = map[replication.ShardID]coordinator.ShardSnapshot{1: {Term: 3, Leader: "s1"}, 2: {Term: 4}}
	s.Servers = map[replication.ServerID]coordinator.ServerSnapshot{
		"s1":      {State: &api.ServerState{Features: []string{"x"}}},
		"s2":      {State: &api.ServerState{Draining: true}},
		"three:2": {Err: errors.New("no stream")},
		"gone":    {State: &api.ServerState{}},
	}
	return s
}

func (f *fake) UpdateConfig(ctx context.Context, change func(*api.ClusterConfiguration) error) error {
	if f.fails != nil {
		return f.fails
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c := proto.CloneOf(f.config)
	if err := change(c); err != nil {
		return err
	}
	if err := config.Validate(c); err != nil {
		return err
	}
	f.config = c
	f.follow()
	return nil
}

func server(name, public, internal string) *api.DataServer {
	identity := &api.DataServerIdentity{Public: public, Internal: internal}
	if name != "" {
		identity.Name = &name
	}
	return &api.DataServer{Identity: identity}
}

// Every call that cannot be done is told why, and changes nothing.
func TestWhatIsRefused(t *testing.T) {
	namespace := func(change func(*api.Namespace)) *api.CreateNamespaceRequest {
		n := &api.Namespace{Name: "n", InitialShardCount: 1, ReplicationFactor: 1, KeySorting: "natural"}
		change(n)
		return &api.CreateNamespaceRequest{Namespace: n}
	}
	cases := []struct {
		name    string
		request proto.Message
		code    codes.Code
		want    string
	}{
		{"server without a name", &api.CreateDataServerRequest{DataServer: server("", "a:1", "a:2")}, codes.InvalidArgument, "data_server.identity.name is missing"},
		{"server without a request", &api.CreateDataServerRequest{}, codes.InvalidArgument, "data_server.identity.name"},
		{"server of a bad name", &api.CreateDataServerRequest{DataServer: server("a/b", "a:1", "a:2")}, codes.InvalidArgument, "must begin with"},
		{"server without a public address", &api.CreateDataServerRequest{DataServer: server("a", "", "a:2")}, codes.InvalidArgument, "data_server.identity.public is missing: must be host:port"},
		{"server without an internal address", &api.CreateDataServerRequest{DataServer: server("a", "a:1", "")}, codes.InvalidArgument, "identity.internal"},
		{"server of a bad address", &api.CreateDataServerRequest{DataServer: server("a", "a", "a:2")}, codes.InvalidArgument, "servers[3].public: is \"a\": must be host:port"},
		{"server of another's address", &api.CreateDataServerRequest{DataServer: server("a", "one:1", "a:2")}, codes.InvalidArgument, "as is servers[0].public"},
		{"server that is there", &api.CreateDataServerRequest{DataServer: server("s1", "a:1", "a:2")}, codes.AlreadyExists, "patch it"},
		{"no such server", &api.GetDataServerRequest{DataServer: "x"}, codes.NotFound, `there is no data server "x"`},
		{"patch of no server", &api.PatchDataServerRequest{DataServer: server("x", "", "")}, codes.NotFound, "no data server"},
		{"patch to a bad address", &api.PatchDataServerRequest{DataServer: server("s1", "", "one")}, codes.InvalidArgument, "servers[0].internal"},
		{"delete of no server", &api.DeleteDataServerRequest{DataServer: "x"}, codes.NotFound, "no data server"},

		{"namespace without a name", namespace(func(n *api.Namespace) { n.Name = "" }), codes.InvalidArgument, "namespace.name is missing"},
		{"namespace of a bad name", namespace(func(n *api.Namespace) { n.Name = "a..b" }), codes.InvalidArgument, "single dots"},
		{"namespace without shards", namespace(func(n *api.Namespace) { n.InitialShardCount = 0 }), codes.InvalidArgument, "initialShardCount: is 0"},
		{"namespace without replicas", namespace(func(n *api.Namespace) { n.ReplicationFactor = 0 }), codes.InvalidArgument, "replicationFactor: is 0"},
		{"namespace of too many replicas", namespace(func(n *api.Namespace) { n.ReplicationFactor = 4 }), codes.InvalidArgument, "is 4, and there are 3 servers"},
		{"namespace of no order", namespace(func(n *api.Namespace) { n.KeySorting = "" }), codes.InvalidArgument, "must be hierarchical or natural"},
		{"namespace of another order", namespace(func(n *api.Namespace) { n.KeySorting = "x" }), codes.InvalidArgument, "key_sorting"},
		{"namespace with affinities", namespace(func(n *api.Namespace) { n.AntiAffinities = []*api.AntiAffinity{{}} }), codes.InvalidArgument, "anti_affinities must be empty"},
		{"namespace that is there", namespace(func(n *api.Namespace) { n.Name = "default" }), codes.AlreadyExists, "there is a namespace"},
		{"no such namespace", &api.GetNamespaceRequest{Namespace: "x"}, codes.NotFound, `there is no namespace "x"`},
		{"patch of no namespace", &api.PatchNamespaceRequest{Namespace: &api.Namespace{Name: "x"}}, codes.NotFound, "no namespace"},
		{"patch of shards", &api.PatchNamespaceRequest{Namespace: &api.Namespace{Name: "default", InitialShardCount: 3}}, codes.InvalidArgument, "namespace.initial_shard_count cannot be changed"},
		{"patch of the order", &api.PatchNamespaceRequest{Namespace: &api.Namespace{Name: "default", KeySorting: "natural"}}, codes.InvalidArgument, "key_sorting cannot"},
		{"patch to too many replicas", &api.PatchNamespaceRequest{Namespace: &api.Namespace{Name: "default", ReplicationFactor: 9}}, codes.InvalidArgument, "is 9, and there are 3 servers"},
		{"delete of no namespace", &api.DeleteNamespaceRequest{Namespace: "x"}, codes.NotFound, "no namespace"},
		{"split", &api.SplitShardRequest{Namespace: "default"}, codes.Unimplemented, "cannot be split yet"},
	}
	f := newFake(t)
	before := proto.CloneOf(f.config)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := call(t, New(f), c.request)
			if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.want) {
				t.Errorf("error %v, want %v with %q", err, c.code, c.want)
			}
		})
	}
	if !proto.Equal(before, f.config) {
		t.Errorf("something changed: %v", f.config)
	}
}

// call makes the call of a request.
func call(t *testing.T, s *Service, request proto.Message) (proto.Message, error) {
	t.Helper()
	ctx := t.Context()
	switch r := request.(type) {
	case *api.ListDataServersRequest:
		return s.ListDataServers(ctx, r)
	case *api.GetDataServerRequest:
		return s.GetDataServer(ctx, r)
	case *api.CreateDataServerRequest:
		return s.CreateDataServer(ctx, r)
	case *api.PatchDataServerRequest:
		return s.PatchDataServer(ctx, r)
	case *api.DeleteDataServerRequest:
		return s.DeleteDataServer(ctx, r)
	case *api.ListNamespacesRequest:
		return s.ListNamespaces(ctx, r)
	case *api.GetNamespaceRequest:
		return s.GetNamespace(ctx, r)
	case *api.CreateNamespaceRequest:
		return s.CreateNamespace(ctx, r)
	case *api.PatchNamespaceRequest:
		return s.PatchNamespace(ctx, r)
	case *api.DeleteNamespaceRequest:
		return s.DeleteNamespace(ctx, r)
	case *api.SplitShardRequest:
		return s.SplitShard(ctx, r)
	}
	t.Fatalf("no call takes %T", request)
	return nil, nil
}

func allRequests() []proto.Message {
	return []proto.Message{
		&api.ListDataServersRequest{}, &api.GetDataServerRequest{DataServer: "s1"},
		&api.CreateDataServerRequest{DataServer: server("new", "n:1", "n:2")},
		&api.PatchDataServerRequest{DataServer: server("s1", "moved:1", "")}, &api.DeleteDataServerRequest{DataServer: "s2"},
		&api.ListNamespacesRequest{}, &api.GetNamespaceRequest{Namespace: "default"},
		&api.CreateNamespaceRequest{Namespace: &api.Namespace{Name: "n", InitialShardCount: 1, ReplicationFactor: 1, KeySorting: "natural"}},
		&api.PatchNamespaceRequest{Namespace: &api.Namespace{Name: "default", ReplicationFactor: 1}},
		&api.DeleteNamespaceRequest{Namespace: "default"}, &api.SplitShardRequest{},
	}
}

func TestOthersSendToTheLeader(t *testing.T) {
	for _, c := range []struct {
		name   string
		lease  lease.State
		reason api.Reason
		leader string
	}{
		{"leads, and knows nothing yet", lease.State{Leads: true}, api.ReasonNotInitialized, ""},
		{"nobody is known to lead", lease.State{}, api.ReasonNodeIsNotLeader, ""},
		{"another leads", lease.State{Holder: "c3", Address: "three:6651"}, api.ReasonNodeIsNotLeader, "three:6651"},
		{"one of the configuration leads", lease.State{Holder: "c2", Address: "0.0.0.0:6651"}, api.ReasonNodeIsNotLeader, "hint:6651"},
	} {
		f := newFake(t)
		f.known, f.lease = false, c.lease
		before := proto.CloneOf(f.config)
		for _, request := range allRequests() {
			_, err := call(t, New(f), request)
			reason, metadata := api.ReasonOf(err)
			if reason != c.reason || metadata[api.MetadataCoordinatorLeader] != c.leader {
				t.Errorf("%s: %T: %v, %v", c.name, request, err, metadata)
			}
		}
		if !proto.Equal(before, f.config) {
			t.Errorf("%s: something changed", c.name)
		}
	}
}

func TestFailedUpdatesAreTold(t *testing.T) {
	for err, code := range map[error]codes.Code{
		config.ErrChanged:                   codes.Aborted,
		config.ErrReadOnly:                  codes.FailedPrecondition,
		errors.New("the disk is full"):      codes.Internal,
		&config.Problems{File: "elsewhere"}: codes.InvalidArgument,
	} {
		f := newFake(t)
		f.fails = err
		_, got := New(f).DeleteNamespace(t.Context(), &api.DeleteNamespaceRequest{Namespace: "default"})
		if status.Code(got) != code {
			t.Errorf("%v: %v, want %v", err, got, code)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(newFake(t)).DeleteNamespace(ctx, &api.DeleteNamespaceRequest{Namespace: "default"}); status.Code(err) != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestServersFromBeginningToEnd(t *testing.T) {
	f := newFake(t)
	s, ctx := New(f), t.Context()
	list := func() map[string]api.DataServerState {
		states := map[string]api.DataServerState{}
		for _, view := range must(s.ListDataServers(ctx, nil))(t).GetDataServers() {
			states[config.ServerName(view.GetDataServer().GetIdentity())] = view.GetDataServerStatus().GetState()
		}
		return states
	}
	want := map[string]api.DataServerState{
		"s1": api.DataServerState_DATA_SERVER_STATE_RUNNING, "s2": api.DataServerState_DATA_SERVER_STATE_DRAINING,
		"three:2": api.DataServerState_DATA_SERVER_STATE_UNAVAILABLE, "gone": api.DataServerState_DATA_SERVER_STATE_DRAINING,
	}
	for name, state := range want {
		if got := list()[name]; got != state {
			t.Errorf("%s is %v, want %v", name, got, state)
		}
	}
	one := must(s.GetDataServer(ctx, &api.GetDataServerRequest{DataServer: "s1"}))(t).GetDataServer()
	if one.GetDataServer().GetMetadata().GetLabels()["zone"] != "a" || one.GetDataServerStatus().GetSupportedFeatures()[0] != "x" {
		t.Errorf("s1 is %v", one)
	}

	fourth := server("s4", "four:1", "four:2")
	fourth.Metadata = &api.DataServerMetadata{Labels: map[string]string{"zone": "d"}}
	if created := must(s.CreateDataServer(ctx, &api.CreateDataServerRequest{DataServer: fourth}))(t); !proto.Equal(created.GetDataServer(), fourth) {
		t.Errorf("created %v", created)
	}
	patch := server("s4", "", "moved:2")
	patched := must(s.PatchDataServer(ctx, &api.PatchDataServerRequest{DataServer: patch}))(t).GetDataServer()
	if patched.GetIdentity().GetPublic() != "four:1" || patched.GetIdentity().GetInternal() != "moved:2" || patched.GetMetadata().GetLabels()["zone"] != "d" {
		t.Errorf("patched to %v", patched)
	}
	patch.Metadata = &api.DataServerMetadata{}
	if p := must(s.PatchDataServer(ctx, &api.PatchDataServerRequest{DataServer: patch}))(t).GetDataServer(); len(p.GetMetadata().GetLabels()) != 0 {
		t.Errorf("patched to %v", p)
	}
	must(s.DeleteDataServer(ctx, &api.DeleteDataServerRequest{DataServer: "s4"}))(t)
	if _, there := list()["s4"]; there {
		t.Error("s4 is there still")
	}
	// A server on which replicas are wanted is kept until they are elsewhere.
	must(s.DeleteDataServer(ctx, &api.DeleteDataServerRequest{DataServer: "three:2"}))(t)
	if _, there := list()["three:2"]; !there {
		t.Error("three:2 is not there any more")
	}
	if _, err := s.DeleteDataServer(ctx, &api.DeleteDataServerRequest{DataServer: "s1"}); status.Code(err) != codes.FailedPrecondition ||
		!strings.Contains(err.Error(), "namespace default has 2 replicas of each shard, and 1 servers would be left") {
		t.Errorf("deleted what is needed: %v", err)
	}
}

func TestNamespacesFromBeginningToEnd(t *testing.T) {
	f := newFake(t)
	s, ctx := New(f), t.Context()
	view := must(s.GetNamespace(ctx, &api.GetNamespaceRequest{Namespace: "default"}))(t).GetNamespace()
	if !proto.Equal(view.GetNamespaceStatus(), &api.NamespaceStatus{ShardCount: 2, ReplicationFactor: 2, ShardsLed: 1}) {
		t.Errorf("default is %v", view)
	}
	wanted := &api.Namespace{Name: "n", InitialShardCount: 3, ReplicationFactor: 3, KeySorting: "natural", NotificationsEnabled: proto.Bool(false)}
	if created := must(s.CreateNamespace(ctx, &api.CreateNamespaceRequest{Namespace: wanted}))(t); !proto.Equal(created.GetNamespace(), wanted) {
		t.Errorf("created %v", created)
	}
	patch := &api.Namespace{Name: "n", NotificationsEnabled: proto.Bool(true)}
	patched := must(s.PatchNamespace(ctx, &api.PatchNamespaceRequest{Namespace: patch}))(t).GetNamespace()
	if !patched.GetNotificationsEnabled() || patched.GetReplicationFactor() != 3 {
		t.Errorf("patched to %v", patched)
	}
	patch = &api.Namespace{Name: "n", ReplicationFactor: 2}
	if p := must(s.PatchNamespace(ctx, &api.PatchNamespaceRequest{Namespace: patch}))(t).GetNamespace(); p.GetReplicationFactor() != 2 || !p.GetNotificationsEnabled() {
		t.Errorf("patched to %v", p)
	}
	if all := must(s.ListNamespaces(ctx, nil))(t).GetNamespaces(); len(all) != 2 || all[1].GetNamespaceStatus().GetReplicationFactor() != 2 {
		t.Errorf("namespaces are %v", all)
	}
	must(s.DeleteNamespace(ctx, &api.DeleteNamespaceRequest{Namespace: "n"}))(t)
	if all := must(s.ListNamespaces(ctx, nil))(t).GetNamespaces(); len(all) != 1 {
		t.Errorf("namespaces are %v", all)
	}
}
