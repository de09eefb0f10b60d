package public

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/cluster"
	"github.com/ostraka-db/ostraka/server/host"
	"github.com/ostraka-db/ostraka/server/session"
)

// Options configure a Service. All but Alone must be set.
type Options struct {
	// Directory is what is known of the cluster. There is a host when it has a map.
	Directory *cluster.Directory
	// Host returns who runs the replicas; nil while nobody does.
	Host func() *host.Host
	// Sessions keeps the sessions of the shards that are led here.
	Sessions *session.Keeper
	// Observer counts what clients do.
	Observer Observer
	// Version is the program's, and Started when it began.
	Version string
	Started time.Time
	// Draining reports whether the server is about to stop.
	Draining func() bool
	// Ending is closed when streams that last for ever are to end: their clients go
	// on with another server.
	Ending <-chan struct{}
	// Alone says that the cluster has no other server: clients are sent to the address
	// by which they came.
	Alone bool
}

// Observer counts what clients do. It does not wait.
type Observer interface {
	SessionCreated()
	SessionClosed()
	// NotificationsSent counts a batch that was sent, and how long ago it was committed.
	NotificationsSent(lag time.Duration)
}

// Service is what clients call. Its methods are the services' own; it may be used by
// any number of goroutines.
type Service struct {
	api.UnimplementedOxiaClientServer
	api.UnimplementedOstrakaServer

	options Options
	scans   *slots
	// receivers are goroutines that read clients' streams. They end with the stream's
	// context, a moment after its call has returned.
	receivers sync.WaitGroup
}

// New returns a service.
func New(o Options) *Service {
	return &Service{options: o, scans: newSlots(maxScans)}
}

// Register registers the services, under all their names.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	api.RegisterOxiaClientServer(r, s)
	compat := api.OxiaClient_ServiceDesc
	compat.ServiceName = api.CompatServiceName
	r.RegisterService(&compat, s)
	api.RegisterOstrakaServer(r, s)
}

// Close waits for what calls have left behind. The gRPC server is stopped before.
func (s *Service) Close() { s.receivers.Wait() }

// target is the shard that a call is for.
type target struct {
	cluster.Shard
	directory *cluster.Map
	host      *host.Host
}

// target finds the shard that a request names, which it must.
func (s *Service) target(named *int64) (*target, error) {
	if named == nil {
		return nil, invalid("shard", "is missing", "name the shard, as the shard map has it")
	}
	return s.targetOf(replication.ShardID(*named))
}

func (s *Service) targetOf(id replication.ShardID) (*target, error) {
	m, _ := s.options.Directory.Map()
	h := s.options.Host()
	if m == nil || h == nil {
		return nil, notInitialized()
	}
	shard, found := m.Shard(id)
	if !found {
		return nil, shardNotFound(id)
	}
	return &target{Shard: shard, directory: m, host: h}, nil
}

// confirm returns a view of the shard that is no older than the call.
func (t *target) confirm(ctx context.Context) (host.View, error) {
	view, err := t.host.Confirm(ctx, t.ID)
	if err != nil {
		return view, t.failed(err)
	}
	return view, nil
}

// look lets a function read the shard at a moment no earlier than the call.
func (t *target) look(ctx context.Context, read func(*kv.DB) error) error {
	view, err := t.confirm(ctx)
	if err != nil {
		return err
	}
	return t.failed(view.Read(read))
}

// kvID is the shard's number for package kv.
func (t *target) kvID() kv.ShardID { return kv.ShardID(t.ID) }
