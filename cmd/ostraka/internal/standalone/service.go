package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/admin"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/internal/process"
	"github.com/ostraka-db/ostraka/server"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/wal"
)

// Options are a service's. PublicAddress, Shards and KeySorting must be set, and DataDir
// unless InMemory is.
type Options struct {
	// PublicAddress is where clients are served, as host:port. A port of zero is chosen
	// by the system.
	PublicAddress string
	// AdminAddress is where administration is served; nowhere if it is empty.
	AdminAddress string
	// InMemory keeps nothing beyond the process.
	InMemory bool
	// DataDir is where everything is kept, but for the log if LogDir is set.
	DataDir, LogDir string
	// CacheBytes is the memory that holds blocks of the data.
	CacheBytes int64
	// LogRetention is how long the log keeps what the data holds already.
	LogRetention time.Duration
	// NotificationRetention is how long notifications are kept; as the namespace says if
	// it is zero.
	NotificationRetention time.Duration
	// Shards, KeySorting and Notifications are those of the namespace that is made.
	Shards        uint32
	KeySorting    string
	Notifications bool
	// Version is the program's.
	Version string
	// Logger is told what an operator wants to know.
	Logger *slog.Logger
}

// Service is a running service. Its methods may be called from any goroutine.
type Service struct {
	server    *server.Server
	documents metadata.Provider
	source    config.Source
	admin     *process.GRPC // nil if administration is not served

	supervising sync.WaitGroup
	stop        context.CancelFunc
}

// Start starts a service and returns when all shards of the default namespace serve, or
// with an error when the context ends.
func Start(ctx context.Context, o Options) (*Service, error) {
	s := &Service{}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Service) start(ctx context.Context, o Options) error {
	disk := storage.Options{CacheBytes: o.CacheBytes, Logger: o.Logger}
	if o.InMemory {
		disk.Storage = storage.InMemory
	} else {
		if err := os.MkdirAll(o.DataDir, 0o755); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
		disk.FS, disk.Dir, disk.LogDir = vfs.Default, filepath.Join(o.DataDir, serverDir), o.LogDir
	}
	var err error
	s.server, err = server.Start(server.Config{
		Name: name, PublicAddress: o.PublicAddress, InternalAddress: "127.0.0.1:0",
		Storage: disk, Retention: wal.Limits{Age: o.LogRetention}, NotificationRetention: o.NotificationRetention,
		// Whoever reaches the only server has reached the right one.
		AnyAuthority: true, Alone: true,
		Version: o.Version, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	if s.documents, s.source, err = o.openCluster(s.server.PublicAddress(), s.server.InternalAddress()); err != nil {
		return err
	}
	supervisor, err := coordinator.New(coordinator.Options{
		Name: name, Address: o.AdminAddress, Metadata: s.documents, Config: s.source, Sole: true, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	if o.AdminAddress != "" {
		s.admin, err = process.ServeGRPC("administration", o.AdminAddress, o.Logger, func(g *grpc.Server) {
			api.RegisterOxiaAdminServer(g, admin.New(supervisor))
			api.RegisterOstrakaAdminServer(g, admin.NewOperations(supervisor))
		})
		if err != nil {
			return err
		}
	}
	supervised, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.supervising.Go(func() { supervisor.Run(supervised) })
	return s.awaitShards(ctx)
}

// askAgain is how long to wait before the server is asked again whether it serves.
const askAgain = time.Millisecond

// awaitShards waits until every shard of the default namespace answers. That the server
// tells of leaders is not enough: it may be one of the run before.
func (s *Service) awaitShards(ctx context.Context) error {
	conn, err := dial.New(advertised(s.server.PublicAddress()), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	clients := api.NewOxiaClientClient(conn)
	var shards []*api.ShardAssignment
	err = s.again(ctx, func() (err error) {
		shards, err = assignments(ctx, clients)
		return err
	})
	for _, shard := range shards {
		if err == nil {
			err = s.again(ctx, func() error { return probe(ctx, clients, shard.GetShard()) })
		}
	}
	if err != nil {
		return fmt.Errorf("wait for the shards to be served: %w", err)
	}
	return nil
}

// again does something until it works, the server ends or the context does.
func (s *Service) again(ctx context.Context, do func() error) error {
	for {
		err := do()
		switch {
		case err == nil:
			return nil
		case s.server.Err() != nil:
			return s.server.Err()
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
		}
	}
}

// errNoShards is that the coordinator has not made the shards yet.
var errNoShards = errors.New("there are no shards yet")

// assignments returns the shards of the default namespace.
func assignments(ctx context.Context, clients api.OxiaClientClient) ([]*api.ShardAssignment, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := clients.GetShardAssignments(ctx, &api.ShardAssignmentsRequest{Namespace: api.DefaultNamespace})
	if err != nil {
		return nil, err
	}
	told, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	shards := told.GetNamespaces()[api.DefaultNamespace].GetAssignments()
	if len(shards) == 0 {
		return nil, errNoShards
	}
	return shards, nil
}

// probe returns nil if a shard answers a read.
func probe(ctx context.Context, clients api.OxiaClientClient, shard int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := clients.Read(ctx, &api.ReadRequest{Shard: &shard, Gets: []*api.GetRequest{{Key: "ready"}}})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

// PublicAddress is where clients are served.
func (s *Service) PublicAddress() string { return s.server.PublicAddress() }

// AdminAddress is where administration is served; empty if it is not.
func (s *Service) AdminAddress() string {
	if s.admin == nil {
		return ""
	}
	return s.admin.Address()
}

// Done is closed when the service ends by itself, or is closed.
func (s *Service) Done() <-chan struct{} { return s.server.Done() }

// Err returns why the service ended by itself; nil if it did not.
func (s *Service) Err() error { return s.server.Err() }

// finishWithin bounds how long requests that are under way may take when a service is
// closed.
const finishWithin = 5 * time.Second

// Close ends the service and waits for it. Requests that are under way end first, if
// they do so within finishWithin. What was answered is on the disk.
func (s *Service) Close() error {
	if s.server != nil && s.server.Err() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
		// What is left is cut off below, and nobody is to be told.
		_ = s.server.Drain(ctx)
		cancel()
	}
	if s.admin != nil {
		s.admin.Close()
	}
	if s.stop != nil {
		s.stop()
		s.supervising.Wait()
	}
	var errs []error
	if s.server != nil {
		errs = append(errs, s.server.Close())
	}
	if s.source != nil {
		errs = append(errs, s.source.Close())
	}
	if s.documents != nil {
		errs = append(errs, s.documents.Close())
	}
	return errors.Join(errs...)
}
