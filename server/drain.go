package server

import (
	"context"
	"fmt"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

const (
	// drainAgain is how long a drained server goes on serving the shard map, so that
	// clients learn where its leaderships went.
	drainAgain = 100 * time.Millisecond
	// leadershipsEvery is how often a draining server counts what it leads.
	leadershipsEvery = 20 * time.Millisecond
)

// Drain makes the server ready to be closed: it gives its leaderships away, goes on
// serving until it has none, or the context ends, and then lets requests that are under
// way end. One that is alone has nobody to give them to, and keeps them. An error says what was left when the context ended; Close is called all the
// same.
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
	for {
		_, leaderships, changed := s.self.state()
		if leaderships == 0 && s.hosting.Load().Leaderships() == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("this server still leads %d shards: %w", s.hosting.Load().Leaderships(), ctx.Err())
		case <-s.stopping:
			return nil
		}
	}
}
