package admin

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
)

// ListNamespaces implements api.OxiaAdminServer.
func (s *Service) ListNamespaces(context.Context, *api.ListNamespacesRequest) (*api.ListNamespacesResponse, error) {
	now, err := leading(s.cluster)
	if err != nil {
		return nil, err
	}
	response := &api.ListNamespacesResponse{}
	for _, n := range now.Config.GetNamespaces() {
		response.Namespaces = append(response.Namespaces, namespaceView(now, n))
	}
	return response, nil
}

// GetNamespace implements api.OxiaAdminServer.
func (s *Service) GetNamespace(_ context.Context, r *api.GetNamespaceRequest) (*api.GetNamespaceResponse, error) {
	now, err := leading(s.cluster)
	if err != nil {
		return nil, err
	}
	i := indexOfNamespace(now.Config, r.GetNamespace())
	if i < 0 {
		return nil, noNamespace(r.GetNamespace())
	}
	return &api.GetNamespaceResponse{Namespace: namespaceView(now, now.Config.GetNamespaces()[i])}, nil
}

func noNamespace(name string) error {
	return refuse(codes.NotFound, "there is no namespace %q: list them to see their names, or create it", name)
}

func indexOfNamespace(c *api.ClusterConfiguration, name string) int {
	return slices.IndexFunc(c.GetNamespaces(), func(n *api.Namespace) bool { return n.GetName() == name })
}

// namespaceView shows what is wanted of a namespace beside what it has come to, which is
// nothing yet if it was just created.
func namespaceView(now coordinator.Snapshot, wanted *api.Namespace) *api.NamespaceView {
	reached := &api.NamespaceStatus{}
	for _, n := range now.Status.Namespaces {
		if n.Name != wanted.GetName() {
			continue
		}
		reached.ShardCount, reached.ReplicationFactor = uint32(len(n.Shards)), n.ReplicationFactor
		for _, shard := range n.Shards {
			if now.Shards[shard.ID].Leader != "" {
				reached.ShardsLed++
			}
		}
	}
	return &api.NamespaceView{Namespace: wanted, NamespaceStatus: reached}
}

// CreateNamespace implements api.OxiaAdminServer.
func (s *Service) CreateNamespace(ctx context.Context, r *api.CreateNamespaceRequest) (*api.CreateNamespaceResponse, error) {
	wanted := r.GetNamespace()
	if problem := config.NameProblem(wanted.GetName()); problem != "" {
		return nil, refuse(codes.InvalidArgument, "namespace.name %s", problem)
	}
	switch wanted.GetKeySorting() {
	case config.SortingNatural, config.SortingHierarchical:
	default:
		return nil, refuse(codes.InvalidArgument, "namespace.key_sorting is %q: must be %s or %s, as it can never be changed",
			wanted.GetKeySorting(), config.SortingHierarchical, config.SortingNatural)
	}
	if len(wanted.GetAntiAffinities()) > 0 {
		return nil, refuse(codes.InvalidArgument, "namespace.anti_affinities must be empty here: set them in the cluster's configuration")
	}
	err := s.update(ctx, func(c *api.ClusterConfiguration) error {
		if indexOfNamespace(c, wanted.GetName()) >= 0 {
			return refuse(codes.AlreadyExists, "there is a namespace %q", wanted.GetName())
		}
		c.Namespaces = append(c.Namespaces, proto.CloneOf(wanted))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateNamespaceResponse{Namespace: wanted}, nil
}

// PatchNamespace implements api.OxiaAdminServer. What is absent stays as it is.
func (s *Service) PatchNamespace(ctx context.Context, r *api.PatchNamespaceRequest) (*api.PatchNamespaceResponse, error) {
	patch := r.GetNamespace()
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"initial_shard_count", patch.GetInitialShardCount() != 0},
		{"key_sorting", patch.GetKeySorting() != ""},
		{"anti_affinities", len(patch.GetAntiAffinities()) > 0},
	} {
		if field.set {
			return nil, refuse(codes.InvalidArgument,
				"namespace.%s cannot be changed: set only replication_factor and notifications_enabled", field.name)
		}
	}
	var patched *api.Namespace
	err := s.update(ctx, func(c *api.ClusterConfiguration) error {
		i := indexOfNamespace(c, patch.GetName())
		if i < 0 {
			return noNamespace(patch.GetName())
		}
		n := c.GetNamespaces()[i]
		if patch.GetReplicationFactor() != 0 {
			n.ReplicationFactor = patch.GetReplicationFactor()
		}
		if patch.NotificationsEnabled != nil {
			n.NotificationsEnabled = proto.Bool(patch.GetNotificationsEnabled())
		}
		patched = proto.CloneOf(n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PatchNamespaceResponse{Namespace: patched}, nil
}

// DeleteNamespace implements api.OxiaAdminServer.
func (s *Service) DeleteNamespace(ctx context.Context, r *api.DeleteNamespaceRequest) (*api.DeleteNamespaceResponse, error) {
	var deleted *api.Namespace
	err := s.update(ctx, func(c *api.ClusterConfiguration) error {
		i := indexOfNamespace(c, r.GetNamespace())
		if i < 0 {
			return noNamespace(r.GetNamespace())
		}
		deleted = c.GetNamespaces()[i]
		c.Namespaces = slices.Delete(c.GetNamespaces(), i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteNamespaceResponse{Namespace: deleted}, nil
}
