package containers

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
)

// askWithin bounds a question to a server, which may be one that was harmed.
const askWithin = time.Second

// Leads returns the shards that each of some servers says it leads and serves. A server
// that does not answer leads nothing.
func Leads(ctx context.Context, addresses ...string) map[string][]int64 {
	leads := map[string][]int64{}
	for _, address := range addresses {
		replicas, err := replicasOf(ctx, address)
		if err != nil {
			continue
		}
		for _, r := range replicas {
			if r.GetServing() {
				leads[address] = append(leads[address], r.GetShard())
			}
		}
	}
	return leads
}

// Lagging returns why not every shard is led by one of the servers with every member
// reachable and close behind: fewer than lag entries. Nil if all are.
func Lagging(ctx context.Context, shards int, lag int64, addresses ...string) error {
	led := 0
	for _, address := range addresses {
		replicas, err := replicasOf(ctx, address)
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		for _, r := range replicas {
			if !r.GetServing() {
				continue
			}
			led++
			for _, m := range r.GetMembers() {
				if !m.GetReachable() || m.GetAckedOffset()+lag < r.GetHeadOffset() {
					return fmt.Errorf("shard %d, led by %s to offset %d, has a member that lags: %v", r.GetShard(), address, r.GetHeadOffset(), m)
				}
			}
		}
	}
	if led != shards {
		return fmt.Errorf("%d of %d shards are led", led, shards)
	}
	return nil
}

func replicasOf(ctx context.Context, address string) ([]*api.ReplicaStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	status, err := api.NewOstrakaClient(conn).GetServerStatus(ctx, &api.GetServerStatusRequest{})
	return status.GetReplicas(), err
}
