package admin

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
)

// Cluster is what the service shows and changes: a coordinator.
type Cluster interface {
	Snapshot() coordinator.Snapshot
	UpdateConfig(ctx context.Context, change func(*api.ClusterConfiguration) error) error
}

// Service implements api.OxiaAdminServer.
type Service struct {
	api.UnimplementedOxiaAdminServer
	cluster Cluster
}

// New returns the service of a coordinator.
func New(c Cluster) *Service { return &Service{cluster: c} }

// leading returns what is known of the cluster, or the error that sends the caller to
// the coordinator that leads.
func leading(c Cluster) (coordinator.Snapshot, error) {
	now := c.Snapshot()
	switch {
	case now.Known:
		return now, nil
	case now.Lease.Leads:
		return now, api.NewError(api.ReasonNotInitialized,
			"this coordinator has just begun to lead, or cannot read the cluster's status: try again, and see its log", nil)
	}
	leader := leaderAddress(now)
	if leader == "" {
		return now, api.NewError(api.ReasonNodeIsNotLeader, "no coordinator is known to lead at present: try again", nil)
	}
	return now, api.NewError(api.ReasonNodeIsNotLeader, fmt.Sprintf("coordinator %s leads: call %s", now.Lease.Holder, leader),
		map[string]string{api.MetadataCoordinatorLeader: leader})
}

// leaderAddress is where the coordinator that leads is reached: by the configuration if
// that has it, otherwise as it says itself.
func leaderAddress(now coordinator.Snapshot) string {
	for _, one := range now.Config.GetCoordinators() {
		if one.GetName() == now.Lease.Holder {
			return one.GetPublicAddress()
		}
	}
	return now.Lease.Address
}

// update changes the configuration. What the function returns is the call's error.
func (s *Service) update(ctx context.Context, change func(*api.ClusterConfiguration) error) error {
	if _, err := leading(s.cluster); err != nil {
		return err
	}
	err := s.cluster.UpdateConfig(ctx, change)
	var problems *config.Problems
	switch {
	case err == nil:
		return nil
	case errors.As(err, &problems):
		return status.Error(codes.InvalidArgument, problems.Error())
	case errors.Is(err, config.ErrChanged):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, config.ErrReadOnly):
		return status.Error(codes.FailedPrecondition, err.Error())
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	if _, told := status.FromError(err); told {
		return err
	}
	return status.Error(codes.Internal, err.Error())
}

// refuse is an error of the contract's plain kind.
func refuse(code codes.Code, format string, args ...any) error {
	return status.Errorf(code, format, args...)
}

// SplitShard implements api.OxiaAdminServer.
func (s *Service) SplitShard(context.Context, *api.SplitShardRequest) (*api.SplitShardResponse, error) {
	if _, err := leading(s.cluster); err != nil {
		return nil, err
	}
	return nil, refuse(codes.Unimplemented,
		"shards cannot be split yet: create the namespace with as many shards as it will need (initialShardCount)")
}
