package admin

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// ListDataServers implements api.OxiaAdminServer. Servers that left the configuration
// are listed for as long as they hold replicas.
func (s *Service) ListDataServers(context.Context, *api.ListDataServersRequest) (*api.ListDataServersResponse, error) {
	now, err := leading(s.cluster)
	if err != nil {
		return nil, err
	}
	return &api.ListDataServersResponse{DataServers: serverViews(now)}, nil
}

// GetDataServer implements api.OxiaAdminServer.
func (s *Service) GetDataServer(_ context.Context, r *api.GetDataServerRequest) (*api.GetDataServerResponse, error) {
	now, err := leading(s.cluster)
	if err != nil {
		return nil, err
	}
	for _, view := range serverViews(now) {
		if config.ServerName(view.GetDataServer().GetIdentity()) == r.GetDataServer() {
			return &api.GetDataServerResponse{DataServer: view}, nil
		}
	}
	return nil, noServer(r.GetDataServer())
}

func noServer(name string) error {
	return refuse(codes.NotFound, "there is no data server %q: list them to see their names", name)
}

// serverViews are the servers of the configuration, and those that left it.
func serverViews(now coordinator.Snapshot) []*api.DataServerView {
	var views []*api.DataServerView
	for _, identity := range now.Config.GetServers() {
		views = append(views, &api.DataServerView{
			DataServer:       dataServer(now.Config, identity),
			DataServerStatus: serverStatus(now, replication.ServerID(config.ServerName(identity)), false),
		})
	}
	for _, left := range now.Status.Servers {
		if indexOfServer(now.Config, string(left.Name)) < 0 {
			views = append(views, &api.DataServerView{
				DataServer:       &api.DataServer{Identity: identityOf(left), Metadata: &api.DataServerMetadata{}},
				DataServerStatus: serverStatus(now, left.Name, true),
			})
		}
	}
	return views
}

// identityOf is a server's identity as the status has it, which does not tell a name
// from an internal address that stands for one.
func identityOf(s plan.Server) *api.DataServerIdentity {
	identity := &api.DataServerIdentity{Public: s.Public, Internal: s.Internal}
	if name := string(s.Name); name != s.Internal {
		identity.Name = &name
	}
	return identity
}

func dataServer(c *api.ClusterConfiguration, identity *api.DataServerIdentity) *api.DataServer {
	metadata := c.GetServerMetadata()[config.ServerName(identity)]
	if metadata == nil {
		metadata = &api.DataServerMetadata{}
	}
	return &api.DataServer{Identity: identity, Metadata: metadata}
}

func serverStatus(now coordinator.Snapshot, name replication.ServerID, left bool) *api.DataServerStatus {
	told := now.Servers[name].State
	s := &api.DataServerStatus{State: api.DataServerState_DATA_SERVER_STATE_RUNNING, SupportedFeatures: told.GetFeatures()}
	switch {
	case told == nil:
		s.State = api.DataServerState_DATA_SERVER_STATE_UNAVAILABLE
	case left || told.GetDraining() || drains(now, name):
		s.State = api.DataServerState_DATA_SERVER_STATE_DRAINING
	}
	return s
}

// drains reports whether an operator said that a server is to hold nothing.
func drains(now coordinator.Snapshot, name replication.ServerID) bool {
	s, known := serverOf(now, name)
	return known && s.Draining
}

func indexOfServer(c *api.ClusterConfiguration, name string) int {
	return slices.IndexFunc(c.GetServers(), func(s *api.DataServerIdentity) bool { return config.ServerName(s) == name })
}

// CreateDataServer implements api.OxiaAdminServer.
func (s *Service) CreateDataServer(ctx context.Context, r *api.CreateDataServerRequest) (*api.CreateDataServerResponse, error) {
	identity := r.GetDataServer().GetIdentity()
	for _, field := range []struct{ name, problem string }{
		{"identity.name", config.NameProblem(identity.GetName())},
		{"identity.public", required(identity.GetPublic())},
		{"identity.internal", required(identity.GetInternal())},
	} {
		if field.problem != "" {
			return nil, refuse(codes.InvalidArgument, "data_server.%s %s", field.name, field.problem)
		}
	}
	var created *api.DataServer
	err := s.update(ctx, func(c *api.ClusterConfiguration) error {
		name := identity.GetName()
		if indexOfServer(c, name) >= 0 {
			return refuse(codes.AlreadyExists, "there is a data server %q: patch it, or choose another name", name)
		}
		c.Servers = append(c.Servers, proto.CloneOf(identity))
		setLabels(c, name, r.GetDataServer().GetMetadata())
		created = dataServer(c, identity)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDataServerResponse{DataServer: created}, nil
}

// required leaves what is there to be judged with the whole configuration.
func required(address string) string {
	if address == "" {
		return config.AddressProblem(address)
	}
	return ""
}

// setLabels replaces a server's labels.
func setLabels(c *api.ClusterConfiguration, name string, metadata *api.DataServerMetadata) {
	if len(metadata.GetLabels()) == 0 {
		delete(c.ServerMetadata, name)
		return
	}
	if c.ServerMetadata == nil {
		c.ServerMetadata = map[string]*api.DataServerMetadata{}
	}
	c.ServerMetadata[name] = proto.CloneOf(metadata)
}

// PatchDataServer implements api.OxiaAdminServer. An address that is empty stays as it
// is, and so do labels without metadata.
func (s *Service) PatchDataServer(ctx context.Context, r *api.PatchDataServerRequest) (*api.PatchDataServerResponse, error) {
	patch := r.GetDataServer().GetIdentity()
	name := config.ServerName(patch)
	var patched *api.DataServer
	err := s.update(ctx, func(c *api.ClusterConfiguration) error {
		i := indexOfServer(c, name)
		if i < 0 {
			return noServer(name)
		}
		identity := c.GetServers()[i]
		if patch.GetPublic() != "" {
			identity.Public = patch.GetPublic()
		}
		if patch.GetInternal() != "" {
			identity.Internal = patch.GetInternal()
		}
		if r.GetDataServer().GetMetadata() != nil {
			setLabels(c, name, r.GetDataServer().GetMetadata())
		}
		patched = proto.CloneOf(dataServer(c, identity))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PatchDataServerResponse{DataServer: patched}, nil
}

// DeleteDataServer implements api.OxiaAdminServer.
func (s *Service) DeleteDataServer(ctx context.Context, r *api.DeleteDataServerRequest) (*api.DeleteDataServerResponse, error) {
	var deleted *api.DataServer
	err := s.update(ctx, func(c *api.ClusterConfiguration) error {
		i := indexOfServer(c, r.GetDataServer())
		if i < 0 {
			return noServer(r.GetDataServer())
		}
		left := len(c.GetServers()) - 1
		for _, n := range c.GetNamespaces() {
			if int(n.GetReplicationFactor()) > left {
				return refuse(codes.FailedPrecondition,
					"namespace %s has %d replicas of each shard, and %d servers would be left: lower its replication factor, or add a server first",
					n.GetName(), n.GetReplicationFactor(), left)
			}
		}
		deleted = proto.CloneOf(dataServer(c, c.GetServers()[i]))
		c.Servers = slices.Delete(c.GetServers(), i, i+1)
		delete(c.ServerMetadata, r.GetDataServer())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDataServerResponse{DataServer: deleted}, nil
}
