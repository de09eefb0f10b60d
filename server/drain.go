package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

const (
	// drainAgain is how long a drained server goes on serving the shard map, so that
	// clients learn where its leaderships went.
	drainAgain = 100 * time.Millisecond
	// leadershipsEvery is how often a draining server counts what it leads.
	leadershipsEvery = 20 * time.Millisecond
	// successorsEvery is how often it looks whether anybody could lead in its place.
	successorsEvery = 200 * time.Millisecond
	// successorsWithin is for how long nobody must have been able to, before it stops
	// waiting: longer than another coordinator takes to lead, and than it takes to hear
	// a member again that starts.
	successorsWithin = 3 * time.Second
)

// errNoSuccessor is why a draining server stops waiting though it still leads.
var errNoSuccessor = errors.New("no coordinator, or no other member of them, can be reached, and so nobody can take over")

// Drain makes the server ready to be closed: it gives its leaderships away, goes on
// serving until it has none, nobody can take over what it has, or the context ends, and
// then lets requests that are under way end. One that is alone has nobody to give them
// to, and keeps them. An error says what was left, and why; Close is called all the same.
func (s *Server) Drain(ctx context.Context) error {
	s.self.drain()
	s.setReady(healthpb.HealthCheckResponse_NOT_SERVING)
	var err error
	if h := s.hosting.Load(); h != nil && !s.config.Alone {
		h.Drain()
		err = s.awaitNoLeaderships(ctx)
		// Clients that watch the shard map have been told of the new leaders, or are
		// now; then streams that would last for ever end.
		select {
		case <-time.After(drainAgain):
		case <-ctx.Done():
		case <-s.stopping:
		}
	}
	s.endLast.Do(func() { close(s.lastStreams) })
	stopped := make(chan struct{})
	s.running.Go(func() {
		s.publicGRPC.GracefulStop()
		close(stopped)
	})
	select {
	case <-stopped:
	case <-ctx.Done():
		if err == nil {
			err = fmt.Errorf("clients' requests are still under way: %w", ctx.Err())
		}
	case <-s.stopping:
	}
	return err
}

// awaitNoLeaderships waits until no shard is led from here.
func (s *Server) awaitNoLeaderships(ctx context.Context) error {
	// A leader that does not serve yet is counted by nobody but the replicas themselves.
	again := time.NewTicker(leadershipsEvery)
	defer again.Stop()
	look := time.NewTicker(successorsEvery)
	defer look.Stop()
	hopeful := time.Now()
	for {
		_, leaderships, changed := s.self.state()
		if leaderships == 0 && s.hosting.Load().Leaderships() == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-again.C:
		case <-look.C:
			if s.hasSuccessor() {
				hopeful = time.Now()
			} else if time.Since(hopeful) >= successorsWithin {
				return s.stillLeads(errNoSuccessor)
			}
		case <-ctx.Done():
			return s.stillLeads(ctx.Err())
		case <-s.stopping:
			return nil
		}
	}
}

func (s *Server) stillLeads(why error) error {
	return fmt.Errorf("this server still leads %d shards: %w", s.hosting.Load().Leaderships(), why)
}

// hasSuccessor reports whether there is a coordinator, and a shard that is led from here
// has another voter that is heard.
func (s *Server) hasSuccessor() bool {
	if !s.self.attended() {
		return false
	}
	h, found := s.hosting.Load(), false
	h.Replicas(h.Shards(), func(_ replication.ShardID, r replication.ReplicaState, _ host.Traffic) {
		if r.Leading == nil {
			return
		}
		for _, f := range r.Leading.Followers {
			voter := slices.Contains(r.Leading.Ensemble, f.Member) || slices.Contains(r.Leading.Joining, f.Member)
			found = found || voter && !f.Silent
		}
	})
	return found
}
