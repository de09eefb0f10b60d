package public

import (
	"cmp"
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/server/cluster"
)

// GetShardAssignments implements api.OxiaClientServer. A client that reads slowly is
// sent the newest map when it has read the one before.
func (s *Service) GetShardAssignments(
	req *api.ShardAssignmentsRequest, stream grpc.ServerStreamingServer[api.ShardAssignments],
) error {
	name := cmp.Or(req.GetNamespace(), api.DefaultNamespace)
	rest := time.NewTimer(0)
	defer rest.Stop()
	<-rest.C
	var sent *api.ShardAssignments
	for {
		m, changed := s.options.Directory.Map()
		if m == nil {
			return notInitialized()
		}
		shards, found := m.Namespace(name)
		if !found {
			return namespaceNotFound(name)
		}
		next := assignments(m, name, shards)
		if s.options.Alone {
			leadHere(stream.Context(), next.GetNamespaces()[name])
		}
		if sent == nil || !proto.Equal(sent, next) {
			if err := stream.Send(next); err != nil {
				return err
			}
			sent = next
			// Where many shards change at once, their changes go together.
			rest.Reset(assignmentsRest)
			select {
			case <-rest.C:
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		}
		select {
		case <-changed:
		case <-s.options.Ending:
			return ending()
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// leadHere has the shards led from the address by which the client came, which is one
// that it can reach, whatever stands between. Where it tells none nothing is changed.
func leadHere(ctx context.Context, told *api.NamespaceShardsAssignment) {
	in, _ := metadata.FromIncomingContext(ctx)
	authority := in.Get(":authority")
	if len(authority) != 1 {
		return
	}
	if _, port, err := net.SplitHostPort(authority[0]); err != nil || port == "" {
		return
	}
	for _, shard := range told.GetAssignments() {
		if shard.GetLeader() != "" {
			shard.Leader = authority[0]
		}
	}
}

// assignments is the map of a namespace, as clients are told it.
func assignments(m *cluster.Map, name string, shards []cluster.Shard) *api.ShardAssignments {
	all := &api.NamespaceShardsAssignment{ShardKeyRouter: api.ShardKeyRouter_XXHASH3}
	for _, s := range shards {
		all.Assignments = append(all.Assignments, &api.ShardAssignment{
			Shard: int64(s.ID), Leader: m.Public(s.Leader),
			ShardBoundaries: &api.ShardAssignment_Int32HashRange{Int32HashRange: &api.Int32HashRange{
				MinHashInclusive: s.Range.Min, MaxHashInclusive: s.Range.Max,
			}},
		})
	}
	return &api.ShardAssignments{
		Namespaces:         map[string]*api.NamespaceShardsAssignment{name: all},
		AllowedAuthorities: m.Authorities(),
	}
}
