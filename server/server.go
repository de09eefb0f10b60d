package server

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/cluster"
	"github.com/ostraka-db/ostraka/server/host"
	"github.com/ostraka-db/ostraka/server/metrics"
	"github.com/ostraka-db/ostraka/server/public"
	"github.com/ostraka-db/ostraka/server/report"
	"github.com/ostraka-db/ostraka/server/session"
	"github.com/ostraka-db/ostraka/server/storage"
)

// Server is a running data server. Its methods may be called from any goroutine.
type Server struct {
	config    Config
	started   time.Time
	disk      *storage.Disk
	directory *cluster.Directory
	self      *self
	sessions  *session.Keeper
	clients   *public.Service
	reporter  *report.Reporter
	attending *coordination
	later     *services
	metrics   *metrics.Metrics
	health    *health.Server

	publicPort, internalPort net.Listener
	publicGRPC, internalGRPC *grpc.Server
	// running are the goroutines of this package, but for those of calls.
	running sync.WaitGroup
	// lastStreams ends streams that would last for ever; stopping ends all.
	lastStreams, stopping chan struct{}
	endLast, endAll       sync.Once

	hosting atomic.Pointer[hosting]
	// closed is what Close has come to.
	closed func() error

	mu sync.Mutex
	// ended says that nothing is started any more, and failed why the server ended by
	// itself.
	ended  bool
	failed error
}

// Start opens the data and the ports, and serves. A server that knows its name runs its
// replicas from now on; clients are served when a coordinator was heard.
func Start(config Config) (*Server, error) {
	c := config.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configuration of the server: %w", err)
	}
	s := &Server{
		config: c, started: time.Now(), directory: cluster.NewDirectory(), self: newSelf(),
		later: &services{}, health: health.NewServer(), metrics: metrics.New(c.Version),
		lastStreams: make(chan struct{}), stopping: make(chan struct{}),
	}
	s.closed = sync.OnceValue(s.release)
	s.reporter = report.New(reported{s})
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.closed())
	}
	s.metrics.Watch(s)
	s.serve()
	return s, nil
}

// open opens what may fail, and makes the rest.
func (s *Server) open() error {
	var err error
	if s.disk, err = storage.Open(s.config.Storage); err != nil {
		return fmt.Errorf("open the data: %w", err)
	}
	if err := s.disk.Bind(storage.Identity{Server: replication.ServerID(s.config.Name)}); err != nil {
		return err
	}
	if s.publicPort, err = listen("public", s.config.PublicAddress); err != nil {
		return err
	}
	if s.internalPort, err = listen("internal", s.config.InternalAddress); err != nil {
		return err
	}
	s.sessions = session.New(session.Hosted{Host: s.replicas}, s.metrics, s.config.Logger)
	s.clients = public.New(public.Options{
		Directory: s.directory, Host: s.replicas, Sessions: s.sessions, Observer: s.metrics,
		Version: s.config.Version, Started: s.started,
		Draining: s.draining, Ending: s.lastStreams, Alone: s.config.Alone,
	})
	guard := public.NewGuard(s.directory, s.config.AnyAuthority)
	s.publicGRPC = grpc.NewServer(append(publicOptions(s.config.PublicCredentials),
		grpc.ChainUnaryInterceptor(s.metrics.Unary, guard.Unary),
		grpc.ChainStreamInterceptor(s.metrics.Stream, guard.Stream))...)
	s.internalGRPC = grpc.NewServer(internalOptions(s.config.InternalCredentials, s.later)...)
	s.clients.Register(s.publicGRPC)
	s.attending = &coordination{server: s}
	api.RegisterCoordinationServer(s.internalGRPC, s.attending)
	for _, g := range []*grpc.Server{s.publicGRPC, s.internalGRPC} {
		healthpb.RegisterHealthServer(g, s.health)
	}
	s.setReady(healthpb.HealthCheckResponse_NOT_SERVING)
	if name := s.disk.Identity().Server; name != "" {
		_, err = s.host(name)
	}
	return err
}

// serve serves both ports.
func (s *Server) serve() {
	for _, port := range []struct {
		grpc *grpc.Server
		at   net.Listener
	}{{s.publicGRPC, s.publicPort}, {s.internalGRPC, s.internalPort}} {
		s.running.Go(func() {
			if err := port.grpc.Serve(port.at); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				s.fail(fmt.Errorf("serve %s: %w", port.at.Addr(), err))
			}
		})
	}
	s.running.Go(s.trimNotifications)
	s.running.Go(func() { s.reporter.Run(s.stopping) })
	s.config.Logger.Info("serves", "public", s.PublicAddress(), "internal", s.InternalAddress())
}

// replicas returns who runs the replicas; nil while nobody does.
func (s *Server) replicas() *host.Host {
	if h := s.hosting.Load(); h != nil {
		return h.Host
	}
	return nil
}

func (s *Server) draining() bool {
	draining, _, _ := s.self.state()
	return draining
}

func (s *Server) setReady(status healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus(api.HealthReadiness, status)
}

// PublicAddress is where clients are served.
func (s *Server) PublicAddress() string { return s.publicPort.Addr().String() }

// InternalAddress is where servers and coordinators are.
func (s *Server) InternalAddress() string { return s.internalPort.Addr().String() }

// Ready says whether clients are served; if not, the error says why.
func (s *Server) Ready() error {
	m, _ := s.directory.Map()
	switch {
	case s.Err() != nil:
		return s.Err()
	case s.hosting.Load() == nil:
		return errors.New("no coordinator has said who this server is")
	case m == nil:
		return errors.New("no coordinator has told the state of the cluster")
	case s.draining():
		return errors.New("the server is draining")
	}
	return nil
}

// Metrics is where the server's metrics are had.
func (s *Server) Metrics() prometheus.Gatherer { return s.metrics.Gatherer() }

// Done is closed when the server ends by itself, or is closed.
func (s *Server) Done() <-chan struct{} { return s.stopping }

// Err returns why the server ended by itself; nil if it did not.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// fail takes note of why the server cannot go on, and tells everybody.
func (s *Server) fail(err error) {
	s.mu.Lock()
	if s.failed == nil && !s.ended {
		s.failed = err
		s.config.Logger.Error("the server cannot go on", "error", err)
	}
	s.mu.Unlock()
	s.endAll.Do(func() { close(s.stopping) })
}

// Close ends the server at once. Requests that are under way end with errors; what was
// promised is on the disk. It returns when everything has ended, and may be called more
// than once.
func (s *Server) Close() error {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.endLast.Do(func() { close(s.lastStreams) })
	s.endAll.Do(func() { close(s.stopping) })
	return s.closed()
}

// release ends and closes what there is, in the order in which nothing uses what is
// gone.
func (s *Server) release() error {
	s.health.Shutdown()
	h := s.hosting.Load()
	if h != nil {
		h.Close() // ends every call
		h.network.Close()
	}
	for _, g := range []*grpc.Server{s.publicGRPC, s.internalGRPC} {
		if g != nil {
			g.Stop()
		}
	}
	for _, port := range []net.Listener{s.publicPort, s.internalPort} {
		if port != nil {
			_ = port.Close() // the gRPC server did it, if that served
		}
	}
	if s.sessions != nil {
		s.sessions.Close()
		s.clients.Close()
	}
	if s.attending != nil {
		s.attending.receivers.Wait()
	}
	s.running.Wait()
	if s.disk == nil {
		return nil
	}
	if err := s.disk.Close(); err != nil {
		return fmt.Errorf("close the data: %w", err)
	}
	return nil
}
