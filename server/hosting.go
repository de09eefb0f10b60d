package server

import (
	"fmt"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	peer "github.com/ostraka-db/ostraka/replication/grpc"
	"github.com/ostraka-db/ostraka/server/host"
)

// hosting is what a server is that knows its name: replicas, and the transport between
// them and their peers.
type hosting struct {
	*host.Host
	network *peer.Transport
}

// host returns what runs the replicas, and starts it the first time.
func (s *Server) host(name replication.ServerID) (*hosting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hosting.Load(); h != nil {
		return h, nil
	}
	if s.ended {
		return nil, host.ErrClosed
	}
	core := *s.config.Core
	core.Barrier = kv.BarrierPayload()
	h, err := host.New(host.Options{
		ID: name, Disk: s.disk, Core: core, Retention: s.config.Retention,
		Reigns: s, Observer: s.metrics, Logger: s.config.Logger,
	})
	if err != nil {
		return nil, err
	}
	network, err := peer.New(peer.Options{
		Self: h.Self(), Cluster: func() string { return s.disk.Identity().Cluster },
		Deliver: h.Deliver, Gone: h.PeerGone, Over: h.PeerOver,
		Credentials: s.config.PeerCredentials, Logger: s.config.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("make the transport to other servers: %w", err)
	}
	if err := h.Start(network); err != nil {
		network.Close()
		return nil, err
	}
	network.Register(s.later)
	running := &hosting{h, network}
	s.hosting.Store(running)
	s.running.Go(func() {
		<-h.Done()
		if err := h.Err(); err != nil {
			s.fail(err)
		}
	})
	s.self.change(func() {})
	return running, nil
}

// Serving implements replication.Reigns.
func (s *Server) Serving(shard replication.ShardID, term replication.Term) {
	s.directory.Leads(shard, term, s.disk.Identity().Server)
	s.self.leads(1)
	s.reporter.Touch(shard)
	s.sessions.Begin(shard, term)
	s.metrics.ReignBegan()
}

// NotServing implements replication.Reigns.
func (s *Server) NotServing(shard replication.ShardID, _ replication.Term) {
	s.self.leads(-1)
	s.reporter.Touch(shard)
	s.sessions.End(shard)
	s.metrics.ReignEnded()
}
