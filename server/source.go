package server

import (
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/cluster"
	"github.com/ostraka-db/ostraka/server/host"
	"github.com/ostraka-db/ostraka/server/metrics"
	"github.com/ostraka-db/ostraka/server/report"
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
	r := metrics.Running{Queues: h.Queues(), Peers: h.network.Stats(), Log: s.disk.Log().Usage(), Storage: s.disk.State().Usage()}
	h.Replicas(h.Shards(), func(id replication.ShardID, state replication.ReplicaState, _ host.Traffic) {
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

// reported is what coordinators are told of: nothing while the server does not know its
// name.
type reported struct{ *Server }

// Shards implements report.Source.
func (r reported) Shards() []replication.ShardID {
	if h := r.replicas(); h != nil {
		return h.Shards()
	}
	return nil
}

// Replicas implements report.Source.
func (r reported) Replicas(shards []replication.ShardID, tell func(replication.ShardID, replication.ReplicaState, host.Traffic)) {
	if h := r.replicas(); h != nil {
		h.Replicas(shards, tell)
	}
}

// Measure implements report.Source.
func (r reported) Measure(shard replication.ShardID) (report.Measure, error) {
	var m report.Measure
	h := r.replicas()
	if h == nil {
		return m, host.ErrClosed
	}
	err := h.Peek(shard, func(db *kv.DB) error {
		id := kv.ShardID(shard)
		bytes, err := db.DiskBytes(id)
		if err != nil {
			return err
		}
		offset, checked, err := db.Checked(id)
		if err != nil {
			return err
		}
		digest, applied, err := db.Digest(id)
		m = report.Measure{
			DiskBytes: bytes, CheckedOffset: offset, CheckedDigest: uint64(checked),
			DigestOffset: applied.Offset, Digest: uint64(digest),
		}
		return err
	})
	return m, err
}
