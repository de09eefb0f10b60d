package server

import (
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// coordination serves api.CoordinationServer.
type coordination struct {
	api.UnimplementedCoordinationServer
	server *Server
	// receivers are goroutines that read coordinators' streams. They end a moment
	// after the stream's call has returned.
	receivers sync.WaitGroup
}

// Attend implements api.CoordinationServer.
func (c *coordination) Attend(stream grpc.BidiStreamingServer[api.ClusterState, api.ServerState]) error {
	s := c.server
	told := make(chan *api.ClusterState)
	ended := make(chan error, 1)
	c.receivers.Go(func() {
		for {
			state, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case told <- state:
			case <-stream.Context().Done():
				return
			}
		}
	})
	var coordinator replication.ServerID
	defer func() {
		if h := s.hosting.Load(); coordinator != "" && h != nil {
			h.Coordinators(s.self.attends(coordinator, -1))
		}
	}()
	replicas := s.reporter.Follow()
	defer replicas.Stop()
	revision := int64(0)
	for {
		// Before a server knows who it is, it has nothing to tell.
		_, _, changed := s.self.state()
		var more <-chan struct{}
		if s.hosting.Load() != nil {
			state, next := s.state(revision)
			changed = next
			state.Reports, more = replicas.Next()
			if err := stream.Send(state); err != nil {
				return err
			}
		}
		select {
		case state := <-told:
			if err := s.told(state); err != nil {
				return err
			}
			revision = max(revision, state.GetRevision())
			if coordinator == "" && state.GetCoordinator() != "" {
				coordinator = replication.ServerID(state.GetCoordinator())
				s.hosting.Load().Coordinators(s.self.attends(coordinator, 1))
			}
		case <-changed:
		case <-more:
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-s.stopping:
			return status.Error(codes.Unavailable, "this server is stopping")
		}
	}
}

// state is what coordinators are told of this server, with a channel that is closed
// when that changes.
func (s *Server) state(revision int64) (*api.ServerState, <-chan struct{}) {
	draining, leaderships, changed := s.self.state()
	who := s.hosting.Load().Self()
	return &api.ServerState{
		Server: string(who.ID), Run: uint64(who.Run), Incarnation: uint64(who.Incarnation),
		Draining: draining, Leaderships: leaderships, Revision: revision,
		Version: s.config.Version,
	}, changed
}

// told takes in what a coordinator tells.
func (s *Server) told(state *api.ClusterState) error {
	if state.GetCluster() == "" {
		return status.Error(codes.InvalidArgument, "the state names no cluster; a coordinator draws its id when the cluster is made")
	}
	to := storage.Identity{Cluster: state.GetCluster(), Server: replication.ServerID(state.GetYou())}
	if s.config.Name != "" && to.Server != "" && string(to.Server) != s.config.Name {
		return status.Errorf(codes.FailedPrecondition,
			"this server is called %q, and the coordinator takes it for %q; give it the same name here and in the cluster's configuration",
			s.config.Name, to.Server)
	}
	if to.Server == "" {
		to.Server = replication.ServerID(s.config.Name)
	}
	switch err := s.disk.Bind(to); {
	case errors.As(err, new(*storage.IdentityError)):
		return status.Error(codes.FailedPrecondition, err.Error())
	case err != nil:
		s.fail(err)
		return status.Error(codes.Unavailable, err.Error())
	}
	name := s.disk.Identity().Server
	if name == "" {
		return status.Error(codes.InvalidArgument,
			"the state does not say who this server is, and nobody else did; set --name, or upgrade the coordinator")
	}
	h, err := s.host(name)
	if err != nil {
		s.fail(err)
		return status.Error(codes.Unavailable, err.Error())
	}
	before, _ := s.directory.Map()
	if s.directory.Told(state) {
		m, _ := s.directory.Map()
		peers := m.Internal()
		if before != nil {
			for id := range before.Internal() {
				if _, stays := peers[id]; !stays {
					h.RemovePeer(id)
				}
			}
		}
		delete(peers, h.Self().ID)
		h.network.SetPeers(peers)
		s.setReady(healthpb.HealthCheckResponse_SERVING)
	}
	return nil
}
