package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/replication"
)

// operate makes the call of a request.
func operate(ctx context.Context, o *Operations, request proto.Message) (proto.Message, error) {
	switch r := request.(type) {
	case *api.GetClusterStatusRequest:
		var told recorder[api.GetClusterStatusResponse]
		told.ctx = ctx
		return nil, o.GetClusterStatus(r, &told)
	case *api.VerifyDigestsRequest:
		var told recorder[api.VerifyDigestsResponse]
		told.ctx = ctx
		return nil, o.VerifyDigests(r, &told)
	case *api.MoveReplicaRequest:
		return o.MoveReplica(ctx, r)
	case *api.TransferLeaderRequest:
		return o.TransferLeader(ctx, r)
	case *api.ElectLeaderRequest:
		return o.ElectLeader(ctx, r)
	case *api.SetServerDrainingRequest:
		return o.SetServerDraining(ctx, r)
	case *api.RecoverShardRequest:
		return o.RecoverShard(ctx, r)
	case *api.ExplainBalanceRequest:
		return o.ExplainBalance(ctx, r)
	}
	return nil, fmt.Errorf("no call takes %T", request)
}

func shard(namespace string, id int64) *api.ShardName {
	return &api.ShardName{Namespace: namespace, Shard: id}
}

// Each mistake is told with the field and the remedy, and nothing is done.
func TestMistakesOfOperators(t *testing.T) {
	type move = api.MoveReplicaRequest
	type transfer = api.TransferLeaderRequest
	type drain = api.SetServerDrainingRequest
	type recovery = api.RecoverShardRequest
	many := make([]*api.ShardName, maxNamed+1)
	for i := range many {
		many[i] = shard("", 0)
	}
	for _, c := range []struct {
		name    string
		request proto.Message
		code    codes.Code
		want    string
	}{
		{"no shard", &move{From: "s1", To: "s4"}, codes.InvalidArgument, "shard is missing"},
		{"unknown shard", &move{Shard: shard("", 9), From: "s1", To: "s4"}, codes.NotFound, "there is no shard 9"},
		{"shard of another namespace", &move{Shard: shard("none", 0), From: "s1", To: "s4"}, codes.InvalidArgument, `shard.namespace is "none", and shard 0 is default/0`},
		{"shard that goes", &move{Shard: shard("", 2), From: "s1", To: "s4"}, codes.FailedPrecondition, "the namespace of shard 2 was deleted"},
		{"move from nowhere", &move{Shard: shard("", 0), To: "s4"}, codes.InvalidArgument, "from is missing: name the server whose replica is to go; shard default/0 is on s1, s2, s3"},
		{"move to nowhere", &move{Shard: shard("", 0), From: "s1"}, codes.InvalidArgument, "to is missing"},
		{"move to the same", &move{Shard: shard("", 0), From: "s1", To: "s1"}, codes.InvalidArgument, `from and to are both "s1"`},
		{"move what is not there", &move{Shard: shard("", 0), From: "s4", To: "s5"}, codes.FailedPrecondition, `from is "s4", which is not to hold shard default/0: name one of s1, s2, s3`},
		{"move to who has it", &move{Shard: shard("", 0), From: "s1", To: "s2"}, codes.FailedPrecondition, `to is "s2", which is to hold shard default/0 already`},
		{"move to a stranger", &move{Shard: shard("", 0), From: "s1", To: "x"}, codes.NotFound, `there is no data server "x"`},
		{"move to one that left", &move{Shard: shard("", 0), From: "s1", To: "old"}, codes.FailedPrecondition, `to is "old", which has left the configuration`},
		{"move to one that drains", &move{Shard: shard("", 0), From: "s1", To: "s5"}, codes.FailedPrecondition, `to is "s5", which drains: undrain it first`},
		{"move to one that is away", &move{Shard: shard("", 0), From: "s1", To: "s4"}, codes.FailedPrecondition, `to is "s4", which is not reached (connection refused): start it`},

		{"transfer to nobody", &transfer{Shard: shard("", 0)}, codes.InvalidArgument, "to is missing: name the server whose replica is to lead, one of s1, s2, s3"},
		{"transfer to a stranger", &transfer{Shard: shard("", 0), To: "x"}, codes.NotFound, `there is no data server "x"`},
		{"transfer to one without a replica", &transfer{Shard: shard("", 0), To: "s4"}, codes.FailedPrecondition, `to is "s4", which is not in the ensemble of shard default/0: name one of s1, s2, s3`},
		{"transfer to one that drains", &transfer{Shard: shard("", 0), To: "s5"}, codes.FailedPrecondition, "which drains"},
		{"transfer to one that is away", &transfer{Shard: shard("", 1), To: "s4"}, codes.FailedPrecondition, "not reached"},
		{"elect for no shard", &api.ElectLeaderRequest{}, codes.InvalidArgument, "shard is missing"},
		{"elect for an unknown shard", &api.ElectLeaderRequest{Shard: shard("", 9)}, codes.NotFound, "there is no shard 9"},

		{"drain a stranger", &drain{Server: "x", Draining: true}, codes.NotFound, `there is no data server "x"`},
		{"drain one that left", &drain{Server: "old", Draining: true}, codes.FailedPrecondition, "nothing to drain"},

		{"recover without the namespace", &recovery{Shard: shard("", 1), Survivors: []string{"s1"}, Preview: true}, codes.InvalidArgument, `shard.namespace is missing: it is "default"`},
		{"recover unconfirmed", &recovery{Shard: shard("default", 1), Survivors: []string{"s1"}}, codes.InvalidArgument, `confirm is "": it must be "default/1"`},
		{"recover with another's name", &recovery{Shard: shard("default", 1), Survivors: []string{"s1"}, Confirm: "default/0"}, codes.InvalidArgument, `it must be "default/1"`},
		{"recover by nobody", &recovery{Shard: shard("default", 1), Preview: true}, codes.InvalidArgument, "survivors are missing: name the servers whose replicas are to make shard default/1, of s1, s3, s4"},
		{"recover by one twice", &recovery{Shard: shard("default", 1), Survivors: []string{"s1", "s1"}, Preview: true}, codes.InvalidArgument, `"s1" twice`},
		{"recover by a stranger", &recovery{Shard: shard("default", 1), Survivors: []string{"s2"}, Preview: true}, codes.FailedPrecondition, `"s2", which is not in the ensemble`},
		{"recover by one that is away", &recovery{Shard: shard("default", 1), Survivors: []string{"s4"}, Preview: true}, codes.FailedPrecondition, `survivors is "s4", which is not reached`},
		{"recover by a damaged one", &recovery{Shard: shard("default", 1), Survivors: []string{"s3"}, Preview: true}, codes.FailedPrecondition, `"s3", whose replica is damaged`},
		{"recover what is well", &recovery{Shard: shard("default", 0), Survivors: []string{"s1"}, Confirm: "default/0"}, codes.FailedPrecondition, "has not lost its majority: of s1, s2, s3, 3 are reached"},
		{"recover by one that lacks entries", &recovery{Shard: shard("default", 0), Survivors: []string{"s3"}, Confirm: "default/0"}, codes.FailedPrecondition, `survivors lack "s1", which is reached and has entries up to 12, and they have none after 10`},

		{"status of a strange namespace", &api.GetClusterStatusRequest{Namespace: "x"}, codes.NotFound, `there is no namespace "x"`},
		{"status of both", &api.GetClusterStatusRequest{Namespace: "default", Shards: []*api.ShardName{shard("", 0)}}, codes.InvalidArgument, "exclude each other"},
		{"status of too many", &api.GetClusterStatusRequest{Shards: many}, codes.InvalidArgument, "shards are 1001: name 1000 at the most"},
		{"status of an unknown shard", &api.GetClusterStatusRequest{Shards: []*api.ShardName{shard("", 9)}}, codes.NotFound, "there is no shard 9"},
		{"digests of an unknown shard", &api.VerifyDigestsRequest{Shards: []*api.ShardName{shard("", 9)}}, codes.NotFound, "there is no shard 9"},
		{"digests for less than no time", &api.VerifyDigestsRequest{WithinMs: -1}, codes.InvalidArgument, "within_ms is -1: give from 1 to 600000, or 0 for 20000"},
		{"digests for too long", &api.VerifyDigestsRequest{WithinMs: 600_001}, codes.InvalidArgument, "within_ms is 600001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOperated(t)
			_, err := operate(t.Context(), NewOperations(o), c.request)
			if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.want) {
				t.Errorf("error %v, want %v with %q", err, c.code, c.want)
			}
			if len(o.asked) > 0 {
				t.Errorf("asked was %q", o.asked)
			}
		})
	}
}

// A drain that could never end is refused; one that was begun may be asked for again.
func TestDrainLeavesEnoughServers(t *testing.T) {
	o := newOperated(t)
	_, err := operate(t.Context(), NewOperations(o), &api.SetServerDrainingRequest{Server: "s5", Draining: true})
	if err != nil {
		t.Errorf("drained again: %v", err)
	}
	o.set(func(s *coordinator.Snapshot) { s.Status.Servers[3].Draining = true })
	_, err = operate(t.Context(), NewOperations(o), &api.SetServerDrainingRequest{Server: "s1", Draining: true})
	want := "namespace default has 3 replicas of each shard, and 2 servers would be left for them: add a server first"
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if _, err = operate(t.Context(), NewOperations(o), &api.SetServerDrainingRequest{Server: "s5"}); err != nil {
		t.Errorf("undrained: %v", err)
	}
	if want := []string{"drain s5 true", "drain s5 false"}; !slices.Equal(o.asked, want) {
		t.Errorf("asked was %q, want %q", o.asked, want)
	}
}

// What was asked for is shown as it is afterwards.
func TestWhatOperatorsAskFor(t *testing.T) {
	o := newOperated(t)
	o.set(func(s *coordinator.Snapshot) {
		s.Servers["s4"] = coordinator.ServerSnapshot{Reachable: true, State: &api.ServerState{}}
	})
	o.does = func(s *coordinator.Snapshot) {
		one := s.Shards[0]
		one.Term++
		one.Leader = "s2"
		s.Shards[0] = one
	}
	s := NewOperations(o)
	moved := must(s.MoveReplica(t.Context(), &api.MoveReplicaRequest{Shard: shard("default", 0), From: "s1", To: "s4"}))(t).GetShard()
	transferred := must(s.TransferLeader(t.Context(), &api.TransferLeaderRequest{Shard: shard("", 0), To: "s2"}))(t).GetShard()
	elected := must(s.ElectLeader(t.Context(), &api.ElectLeaderRequest{Shard: shard("", 0)}))(t).GetShard()
	for i, got := range []*api.ClusterShard{moved, transferred, elected} {
		if got.GetLeader() != "s2" || got.GetTerm() != int64(4+i) {
			t.Errorf("answer %d is %v", i, got)
		}
	}
	o.does = func(s *coordinator.Snapshot) { s.Status.Servers[1].Draining = true }
	drained := must(s.SetServerDraining(t.Context(), &api.SetServerDrainingRequest{Server: "s2", Draining: true}))(t).GetServer()
	if !drained.GetDraining() || drained.GetState() != api.ClusterServerState_CLUSTER_SERVER_STATE_DRAINING {
		t.Errorf("drained is %v", drained)
	}
	want := []string{"move 0 from s1 to s4", "transfer 0 to s2", "elect 0", "drain s2 true"}
	if !slices.Equal(o.asked, want) {
		t.Errorf("asked was %q, want %q", o.asked, want)
	}
}

// A preview tells what a recovery would lose; the mark is what the operator was told.
func TestARecoveryLeavesWhatItTold(t *testing.T) {
	o := newOperated(t)
	s := NewOperations(o)
	request := &api.RecoverShardRequest{Shard: shard("default", 1), Survivors: []string{"s1"}, Preview: true}
	foreseen := must(s.RecoverShard(t.Context(), request))(t).GetRecovery()
	if len(o.asked) > 0 {
		t.Fatalf("a preview asked for %q", o.asked)
	}
	if !slices.Equal(foreseen.GetLeftOut(), []string{"s3", "s4"}) || foreseen.GetTerm() != 3 ||
		!strings.Contains(foreseen.GetMayBeLost(), "only s3, s4 held") || !strings.Contains(foreseen.GetMayBeLost(), "s1 had none after offset 20") {
		t.Errorf("foreseen is %v", foreseen)
	}
	request.Preview, request.Confirm = false, "default/1"
	done := must(s.RecoverShard(t.Context(), request))(t).GetRecovery()
	if done.GetMayBeLost() != foreseen.GetMayBeLost() || done.GetTimeUnixMs() != 5 || !slices.Equal(o.asked, []string{"recover 1 by [s1]"}) {
		t.Errorf("done is %v, asked %q", done, o.asked)
	}
}

// While the ensemble changes, both that is and that is to be must have lost their
// majority, or either: neither elects without the other.
func TestAMajorityOfEachEnsembleIsNeeded(t *testing.T) {
	o := newOperated(t)
	joining := func(server replication.ServerID, there bool) coordinator.ReplicaSnapshot {
		r := replicaAt(server, coordinator.StandingJoining, follows, 1)
		r.Reachable = there
		return r
	}
	for _, c := range []struct {
		there bool
		code  codes.Code
	}{{true, codes.FailedPrecondition}, {false, codes.OK}} {
		o.set(func(s *coordinator.Snapshot) {
			s.Shards[0] = shardOn("default", "s1", replicaAt("s1", voter, leads, 12), joining("s2", c.there), joining("s3", c.there))
		})
		_, err := operate(t.Context(), NewOperations(o), &api.RecoverShardRequest{Shard: shard("default", 0), Survivors: []string{"s1"}, Preview: true})
		if status.Code(err) != c.code {
			t.Errorf("reached %v: %v, want %v", c.there, err, c.code)
		}
	}
}

// What the coordinator ends with is told by its code.
func TestEndsOfOrders(t *testing.T) {
	for _, c := range []struct {
		err  error
		code codes.Code
	}{
		{coordinator.ErrNotFound, codes.NotFound}, {coordinator.ErrRefused, codes.FailedPrecondition},
		{coordinator.ErrChanged, codes.Aborted}, {coordinator.ErrGoesOn, codes.DeadlineExceeded},
		{coordinator.ErrStore, codes.Unknown}, {coordinator.ErrNotLeading, codes.Aborted}, {context.Canceled, codes.Internal},
	} {
		o := newOperated(t)
		o.ends = fmt.Errorf("shard 0: %w", c.err)
		_, err := operate(t.Context(), NewOperations(o), &api.ElectLeaderRequest{Shard: shard("", 0)})
		if status.Code(err) != c.code || !strings.Contains(err.Error(), "shard 0") {
			t.Errorf("%v: %v, want %v", c.err, err, c.code)
		}
	}
}

// Whoever does not lead sends operators to the one that does, also in the middle.
func TestOperatorsAreSentToTheLeader(t *testing.T) {
	requests := []proto.Message{
		&api.GetClusterStatusRequest{}, &api.VerifyDigestsRequest{}, &api.MoveReplicaRequest{}, &api.TransferLeaderRequest{},
		&api.ElectLeaderRequest{}, &api.SetServerDrainingRequest{}, &api.RecoverShardRequest{}, &api.ExplainBalanceRequest{},
	}
	deposed := func(s *coordinator.Snapshot) { s.Known, s.Lease = false, lease.State{Holder: "c2"} }
	o := newOperated(t)
	o.set(deposed)
	for _, request := range requests {
		_, err := operate(t.Context(), NewOperations(o), request)
		if reason, metadata := api.ReasonOf(err); reason != api.ReasonNodeIsNotLeader || metadata[api.MetadataCoordinatorLeader] != "c2:6651" {
			t.Errorf("%T: %v", request, err)
		}
	}
	for _, ends := range []error{nil, coordinator.ErrNotLeading} {
		o := newOperated(t)
		o.ends = ends
		middle := &deposedInTheMiddle{o, deposed}
		_, err := operate(t.Context(), NewOperations(middle), &api.ElectLeaderRequest{Shard: shard("", 0)})
		if reason, metadata := api.ReasonOf(err); reason != api.ReasonNodeIsNotLeader || metadata[api.MetadataCoordinatorLeader] != "c2:6651" {
			t.Errorf("deposed in the middle: %v", err)
		}
	}
}

// deposedInTheMiddle stops to lead while it holds an election.
type deposedInTheMiddle struct {
	*operated
	depose func(*coordinator.Snapshot)
}

func (d *deposedInTheMiddle) ElectLeader(ctx context.Context, shard replication.ShardID) error {
	d.set(d.depose)
	return d.operated.ElectLeader(ctx, shard)
}

// A server that an operator drains is told so by Oxia's calls as well.
func TestDrainedServersDrainForOxia(t *testing.T) {
	o := newOperated(t)
	got := must(New(o).GetDataServer(t.Context(), &api.GetDataServerRequest{DataServer: "s5"}))(t)
	if state := got.GetDataServer().GetDataServerStatus().GetState(); state != api.DataServerState_DATA_SERVER_STATE_DRAINING {
		t.Errorf("s5 is %v", state)
	}
}
