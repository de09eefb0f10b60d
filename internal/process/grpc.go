package process

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/ostraka-db/ostraka/api"
)

// The limits of a gRPC server.
const (
	// handshakeWithin bounds how long a connection may take until it can be used.
	handshakeWithin = 5 * time.Second
	// maxStreams bounds the calls under way on one connection.
	maxStreams = 1024
	// maxMetadataBytes bounds the metadata of a call.
	maxMetadataBytes = 64 << 10
	// pingLeast is how often a client may test a connection.
	pingLeast = 5 * time.Second
	// idleConnection is after how long without anything the other end is tested, and
	// pingWithin how long it may take to answer.
	idleConnection = 30 * time.Second
	pingWithin     = 10 * time.Second
)

// GRPC is a gRPC server that is served, with health.
type GRPC struct {
	listener net.Listener
	server   *grpc.Server
	health   *health.Server
	serving  sync.WaitGroup
}

// Listen listens at an address, host:port. Name says in errors what for.
func Listen(name, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w; name another address, or free this one", name, err)
	}
	return listener, nil
}

// ServeGRPC listens, and serves what a function registers until Close. Name says in
// errors what is served. Further options come after those of this package.
func ServeGRPC(name, address string, logger *slog.Logger, register func(*grpc.Server), options ...grpc.ServerOption) (*GRPC, error) {
	listener, err := Listen(name, address)
	if err != nil {
		return nil, err
	}
	return ServeGRPCOn(listener, name, logger, register, options...), nil
}

// ServeGRPCOn is ServeGRPC on a listener, which it closes in the end.
func ServeGRPCOn(listener net.Listener, name string, logger *slog.Logger, register func(*grpc.Server), options ...grpc.ServerOption) *GRPC {
	options = append([]grpc.ServerOption{
		grpc.ConnectionTimeout(handshakeWithin),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxMetadataBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingLeast, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: idleConnection, Timeout: pingWithin}),
	}, options...)
	g := &GRPC{listener: listener, server: grpc.NewServer(options...), health: health.NewServer()}
	g.SetReady(false)
	healthpb.RegisterHealthServer(g.server, g.health)
	register(g.server)
	g.serving.Go(func() {
		if err := g.server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			logger.Error(name+" is served no more", "error", err)
		}
	})
	return g
}

// Address is where the server listens.
func (g *GRPC) Address() string { return g.listener.Addr().String() }

// SetReady changes what health says of readiness. At first it is that the process is
// not ready.
func (g *GRPC) SetReady(ready bool) {
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		status = healthpb.HealthCheckResponse_SERVING
	}
	g.health.SetServingStatus(api.HealthReadiness, status)
}

// Close ends the server: new calls are refused, those under way end, or are cut off.
func (g *GRPC) Close() {
	g.health.Shutdown()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		g.server.GracefulStop()
	}()
	limit := time.NewTimer(closeWithin)
	defer limit.Stop()
	select {
	case <-stopped:
	case <-limit.C:
		g.server.Stop() // which ends GracefulStop too
		<-stopped
	}
	g.serving.Wait()
}
