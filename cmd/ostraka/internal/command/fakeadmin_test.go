package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// fakeAdmin is a coordinator that remembers what it was told.
type fakeAdmin struct {
	api.UnimplementedOxiaAdminServer

	mu         sync.Mutex
	servers    map[string]*api.DataServer
	namespaces map[string]*api.Namespace
}

func newFakeAdmin() *fakeAdmin {
	return &fakeAdmin{servers: map[string]*api.DataServer{}, namespaces: map[string]*api.Namespace{}}
}

func serverView(s *api.DataServer) *api.DataServerView {
	return &api.DataServerView{DataServer: s, DataServerStatus: &api.DataServerStatus{
		State: api.DataServerState_DATA_SERVER_STATE_RUNNING, SupportedFeatures: []string{"transactions"},
	}}
}

func (f *fakeAdmin) ListDataServers(context.Context, *api.ListDataServersRequest) (*api.ListDataServersResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var views []*api.DataServerView
	for _, name := range slices.Sorted(maps.Keys(f.servers)) {
		views = append(views, serverView(f.servers[name]))
	}
	return &api.ListDataServersResponse{DataServers: views}, nil
}

func (f *fakeAdmin) server(name string) (*api.DataServer, error) {
	if s := f.servers[name]; s != nil {
		return s, nil
	}
	return nil, status.Error(codes.NotFound, fmt.Sprintf("there is no data server %q", name))
}

func (f *fakeAdmin) GetDataServer(_ context.Context, r *api.GetDataServerRequest) (*api.GetDataServerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.server(r.GetDataServer())
	if err != nil {
		return nil, err
	}
	return &api.GetDataServerResponse{DataServer: serverView(s)}, nil
}

func (f *fakeAdmin) CreateDataServer(_ context.Context, r *api.CreateDataServerRequest) (*api.CreateDataServerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := r.GetDataServer().GetIdentity().GetName()
	if f.servers[name] != nil {
		return nil, status.Error(codes.AlreadyExists, fmt.Sprintf("there is a data server %q already", name))
	}
	f.servers[name] = r.GetDataServer()
	return &api.CreateDataServerResponse{DataServer: r.GetDataServer()}, nil
}

func (f *fakeAdmin) PatchDataServer(_ context.Context, r *api.PatchDataServerRequest) (*api.PatchDataServerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.server(r.GetDataServer().GetIdentity().GetName())
	if err != nil {
		return nil, err
	}
	proto.Merge(s, r.GetDataServer())
	return &api.PatchDataServerResponse{DataServer: s}, nil
}

func (f *fakeAdmin) DeleteDataServer(_ context.Context, r *api.DeleteDataServerRequest) (*api.DeleteDataServerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.server(r.GetDataServer())
	if err != nil {
		return nil, err
	}
	delete(f.servers, r.GetDataServer())
	return &api.DeleteDataServerResponse{DataServer: s}, nil
}

func namespaceView(n *api.Namespace) *api.NamespaceView {
	return &api.NamespaceView{Namespace: n, NamespaceStatus: &api.NamespaceStatus{
		ShardCount: n.GetInitialShardCount(), ShardsLed: n.GetInitialShardCount() - 1, ReplicationFactor: n.GetReplicationFactor(),
	}}
}

func (f *fakeAdmin) ListNamespaces(context.Context, *api.ListNamespacesRequest) (*api.ListNamespacesResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var views []*api.NamespaceView
	for _, name := range slices.Sorted(maps.Keys(f.namespaces)) {
		views = append(views, namespaceView(f.namespaces[name]))
	}
	return &api.ListNamespacesResponse{Namespaces: views}, nil
}

func (f *fakeAdmin) namespace(name string) (*api.Namespace, error) {
	if n := f.namespaces[name]; n != nil {
		return n, nil
	}
	return nil, status.Error(codes.NotFound, fmt.Sprintf("there is no namespace %q", name))
}

func (f *fakeAdmin) GetNamespace(_ context.Context, r *api.GetNamespaceRequest) (*api.GetNamespaceResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.namespace(r.GetNamespace())
	if err != nil {
		return nil, err
	}
	return &api.GetNamespaceResponse{Namespace: namespaceView(n)}, nil
}

func (f *fakeAdmin) CreateNamespace(_ context.Context, r *api.CreateNamespaceRequest) (*api.CreateNamespaceResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := r.GetNamespace()
	if n.GetReplicationFactor() > uint32(len(f.servers)) {
		return nil, status.Error(codes.InvalidArgument, fmt.Sprintf("replication factor %d is more than the %d data servers", n.GetReplicationFactor(), len(f.servers)))
	}
	f.namespaces[n.GetName()] = n
	return &api.CreateNamespaceResponse{Namespace: n}, nil
}

func (f *fakeAdmin) PatchNamespace(_ context.Context, r *api.PatchNamespaceRequest) (*api.PatchNamespaceResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.namespace(r.GetNamespace().GetName())
	if err != nil {
		return nil, err
	}
	proto.Merge(n, r.GetNamespace())
	return &api.PatchNamespaceResponse{Namespace: n}, nil
}

func (f *fakeAdmin) DeleteNamespace(_ context.Context, r *api.DeleteNamespaceRequest) (*api.DeleteNamespaceResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.namespace(r.GetNamespace())
	if err != nil {
		return nil, err
	}
	delete(f.namespaces, r.GetNamespace())
	return &api.DeleteNamespaceResponse{Namespace: n}, nil
}

func (f *fakeAdmin) SplitShard(_ context.Context, r *api.SplitShardRequest) (*api.SplitShardResponse, error) {
	return &api.SplitShardResponse{LeftChildShard: r.GetShard() + 100, RightChildShard: r.GetShard() + 101}, nil
}

// deposedAdmin is a coordinator that does not lead.
type deposedAdmin struct {
	api.UnimplementedOxiaAdminServer
	api.UnimplementedOstrakaAdminServer
	leader string
}

func (d *deposedAdmin) ListNamespaces(context.Context, *api.ListNamespacesRequest) (*api.ListNamespacesResponse, error) {
	return nil, api.NewError(api.ReasonNodeIsNotLeader, "another coordinator leads", map[string]string{
		api.MetadataCoordinatorLeader: d.leader,
	})
}

func (d *deposedAdmin) GetClusterStatus(*api.GetClusterStatusRequest, grpc.ServerStreamingServer[api.GetClusterStatusResponse]) error {
	_, err := d.ListNamespaces(context.Background(), nil)
	return err
}
