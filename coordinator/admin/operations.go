package admin

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// Operated is a cluster whose shards and servers can be acted on: a coordinator. What is
// asked of it was looked at before, and makes sense in the cluster of the last Snapshot.
// A call returns when what it asked for has come about, and with one of package
// coordinator's errors if it does not.
type Operated interface {
	Cluster
	// MoveReplica has a shard's replica on one server replaced by one on another.
	MoveReplica(ctx context.Context, shard replication.ShardID, from, to replication.ServerID) error
	// TransferLeader has a certain server lead the shard.
	TransferLeader(ctx context.Context, shard replication.ShardID, to replication.ServerID) error
	// ElectLeader has the shard's leader chosen anew.
	ElectLeader(ctx context.Context, shard replication.ShardID) error
	// DrainServer says whether a server is to hold nothing. It returns when that is stored.
	DrainServer(ctx context.Context, server replication.ServerID, on bool) error
	// RecoverShard makes the survivors' replicas the ensemble. Risk says what may be lost,
	// and is kept with the mark that this leaves.
	RecoverShard(ctx context.Context, shard replication.ShardID, survivors []replication.ServerID, risk string) error
	// Explain tells what the planner would do next.
	Explain() (plan.Explanation, error)
}

// The limits of the service. Calls beyond them end with ResourceExhausted.
const (
	// maxFollowers is how many may follow the status at a time, and maxVerifying how many
	// may compare digests.
	maxFollowers = 16
	maxVerifying = 4
	// maxNamed is how many shards a call may name.
	maxNamed = 1000
	// longestWait bounds how long a call waits whose caller sets no deadline.
	longestWait = time.Hour
)

// Operations implements api.OstrakaAdminServer.
type Operations struct {
	api.UnimplementedOstrakaAdminServer
	cluster Operated
	// following and verifying have an element for each call of their kind.
	following, verifying chan struct{}

	mu   sync.Mutex // guards last
	last *look
}

// NewOperations returns the service of a coordinator.
func NewOperations(c Operated) *Operations {
	return &Operations{
		cluster: c, following: make(chan struct{}, maxFollowers), verifying: make(chan struct{}, maxVerifying),
	}
}

// enter takes room for a call of a kind, which leave gives back.
func enter(room chan struct{}, what string) (leave func(), err error) {
	select {
	case room <- struct{}{}:
		return func() { <-room }, nil
	default:
		return nil, refuse(codes.ResourceExhausted, "%d callers %s already: wait until one has ended", cap(room), what)
	}
}

// act does something to the cluster, and words what it fails with.
func (o *Operations) act(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	return o.ended(do(ctx))
}

// ended words what an order ended with.
func (o *Operations) ended(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, coordinator.ErrGoesOn):
		// Whoever asked knows whether they went or the time was up.
		return status.Error(codes.DeadlineExceeded, err.Error())
	case errors.Is(err, coordinator.ErrNotLeading):
		if _, hint := leading(o.cluster); hint != nil {
			return hint
		}
		return api.NewError(api.ReasonNodeIsNotLeader, err.Error(), nil)
	case errors.Is(err, coordinator.ErrNotFound):
		return status.Error(codes.NotFound, err.Error())
	case errors.Is(err, coordinator.ErrRefused):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.Is(err, coordinator.ErrChanged):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, coordinator.ErrStore):
		return status.Error(codes.Unknown, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}

// MoveReplica implements api.OstrakaAdminServer.
func (o *Operations) MoveReplica(ctx context.Context, r *api.MoveReplicaRequest) (*api.MoveReplicaResponse, error) {
	now, shard, err := o.lookUp(r.GetShard())
	if err != nil {
		return nil, err
	}
	from, to := replication.ServerID(r.GetFrom()), replication.ServerID(r.GetTo())
	if err := movable(now, shard, from, to); err != nil {
		return nil, err
	}
	if err := o.act(ctx, func(ctx context.Context) error { return o.cluster.MoveReplica(ctx, shard.id(), from, to) }); err != nil {
		return nil, err
	}
	view, err := o.lookAgain(shard)
	return &api.MoveReplicaResponse{Shard: view}, err
}

// TransferLeader implements api.OstrakaAdminServer. Nothing is done where the named
// server leads already.
func (o *Operations) TransferLeader(ctx context.Context, r *api.TransferLeaderRequest) (*api.TransferLeaderResponse, error) {
	now, shard, err := o.lookUp(r.GetShard())
	if err != nil {
		return nil, err
	}
	to := replication.ServerID(r.GetTo())
	if err := transferable(now, shard, to); err != nil {
		return nil, err
	}
	if err := o.act(ctx, func(ctx context.Context) error { return o.cluster.TransferLeader(ctx, shard.id(), to) }); err != nil {
		return nil, err
	}
	view, err := o.lookAgain(shard)
	return &api.TransferLeaderResponse{Shard: view}, err
}

// ElectLeader implements api.OstrakaAdminServer.
func (o *Operations) ElectLeader(ctx context.Context, r *api.ElectLeaderRequest) (*api.ElectLeaderResponse, error) {
	_, shard, err := o.lookUp(r.GetShard())
	if err != nil {
		return nil, err
	}
	if err := o.act(ctx, func(ctx context.Context) error { return o.cluster.ElectLeader(ctx, shard.id()) }); err != nil {
		return nil, err
	}
	view, err := o.lookAgain(shard)
	return &api.ElectLeaderResponse{Shard: view}, err
}

// SetServerDraining implements api.OstrakaAdminServer.
func (o *Operations) SetServerDraining(ctx context.Context, r *api.SetServerDrainingRequest) (*api.SetServerDrainingResponse, error) {
	now, err := leading(o.cluster)
	if err != nil {
		return nil, err
	}
	server := replication.ServerID(r.GetServer())
	if err := drainable(now, server, r.GetDraining()); err != nil {
		return nil, err
	}
	if err := o.act(ctx, func(ctx context.Context) error { return o.cluster.DrainServer(ctx, server, r.GetDraining()) }); err != nil {
		return nil, err
	}
	if now, err = leading(o.cluster); err != nil {
		return nil, err
	}
	for _, view := range serverList(now) {
		if view.GetServer() == string(server) {
			return &api.SetServerDrainingResponse{Server: view}, nil
		}
	}
	return nil, noServer(string(server))
}

// lookUp finds a shard that something is to be done to.
func (o *Operations) lookUp(name *api.ShardName) (coordinator.Snapshot, placed, error) {
	now, err := leading(o.cluster)
	if err != nil {
		return now, placed{}, err
	}
	shard, err := find(now, name)
	return now, shard, err
}

// lookAgain shows a shard after something was done to it.
func (o *Operations) lookAgain(shard placed) (*api.ClusterShard, error) {
	now, err := leading(o.cluster)
	if err != nil {
		return nil, err
	}
	return shardView(now, shard), nil
}
