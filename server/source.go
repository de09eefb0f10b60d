package server

import (
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/cluster"
	"github.com/ostraka-db/ostraka/server/metrics"
)

// Running implements metrics.Source.
func (s *Server) Running() (metrics.Running, bool) {
	h := s.hosting.Load()
	if h == nil {
		return metrics.Running{}, false
	}
	m, _ := s.directory.Map()
	if m == nil {
		m = &cluster.Map{}
	}
	r := metrics.Running{Queues: h.Queues(), Peers: h.network.Stats(), Log: s.disk.Log().Usage()}
	h.Replicas(func(id replication.ShardID, state replication.ReplicaState) {
		shard, _ := m.Shard(id)
		r.Replicas = append(r.Replicas, metrics.Replica{Namespace: shard.Namespace, Shard: id, State: state})
	})
	return r, true
}

// Leaderships implements metrics.Source.
func (s *Server) Leaderships() int {
	_, leaderships, _ := s.self.state()
	return int(leaderships)
}

// Sessions implements metrics.Source.
func (s *Server) Sessions() int { return s.sessions.Count() }
