package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/elections"
	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// Options are a coordinator's. Name, Metadata and Config are required.
type Options struct {
	// Name is the coordinator's own among all of the cluster.
	Name string
	// Address is where admins reach it, host:port.
	Address  string
	Metadata metadata.Provider
	Config   config.Source
	// Sole says that no other coordinator can run on the metadata, so that a lease
	// that is left of a run before is not waited for.
	Sole bool
	// Core are the core's options; elections.Options() if nil.
	Core *replication.Options
	// Credentials are those towards servers; none if nil.
	Credentials credentials.TransportCredentials
	// Transport makes the transport of a reign; the one of replication/grpc if nil.
	Transport func(TransportOptions) (Transport, error)
	Observer  Observer
	Logger    *slog.Logger
}

// Coordinator is one of a cluster's coordinators.
type Coordinator struct {
	options   Options
	candidate *lease.Candidate

	mu sync.Mutex // guards what follows
	// leading is what the present reign knows; nil while another leads.
	leading *view
}

// New returns a coordinator that does nothing before Run.
func New(o Options) (*Coordinator, error) {
	if problem := config.NameProblem(o.Name); problem != "" {
		return nil, fmt.Errorf("the coordinator's name %s", problem)
	}
	if o.Metadata == nil || o.Config == nil {
		return nil, errors.New("a coordinator needs metadata and a configuration")
	}
	if o.Core == nil {
		o.Core = elections.Options()
	}
	if err := o.Core.Validate(); err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		o.Credentials = insecure.NewCredentials()
	}
	if o.Transport == nil {
		o.Transport = newDialed
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	candidate := lease.NewCandidate(o.Metadata, lease.Options{
		Name: o.Name, Address: o.Address, Sole: o.Sole, Logger: o.Logger,
	})
	return &Coordinator{options: o, candidate: candidate}, nil
}

// Run supervises the cluster whenever this coordinator leads, until the context is done.
func (c *Coordinator) Run(ctx context.Context) {
	c.candidate.Run(ctx, func(ctx context.Context, grant lease.Grant) {
		c.options.Observer.Leading(true)
		defer c.options.Observer.Leading(false)
		newReign(c, grant.Run).run(ctx)
	})
}

// show makes what a reign knows visible, and nil what it knew invisible.
func (c *Coordinator) show(v *view) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading = v
}

// Snapshot is what a coordinator knows at a moment. It shares nothing that changes.
type Snapshot struct {
	// Lease says who leads among the coordinators.
	Lease lease.State
	// ConfigProblem says why what the operator wrote last is not in force; nil if it is.
	ConfigProblem error
	// Config is the configuration in force, which Status need not have come to yet.
	Config *api.ClusterConfiguration
	// Known is set while this coordinator leads and has read what there is. The rest
	// is empty otherwise.
	Known  bool
	Status plan.Status
	// Notes are what is wanted and cannot be, with the reasons.
	Notes   []plan.Note
	Shards  map[replication.ShardID]ShardSnapshot
	Servers map[replication.ServerID]ServerSnapshot
}

// ShardSnapshot is a shard as it was last heard of.
type ShardSnapshot struct {
	Term replication.Term
	// Leader is empty while there is none.
	Leader replication.ServerID
}

// ServerSnapshot is a server as it was last heard of.
type ServerSnapshot struct {
	// State is what the server told last; nil while there is no stream to it, for the
	// reason that Err tells.
	State *api.ServerState
	Err   error
}

// Snapshot returns what is known now.
func (c *Coordinator) Snapshot() Snapshot {
	s := Snapshot{
		Lease: c.candidate.State(), Config: c.options.Config.Current(), ConfigProblem: c.options.Config.Problem(),
	}
	c.mu.Lock()
	v := c.leading
	c.mu.Unlock()
	if v == nil {
		return s
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s.Known, s.Status, s.Notes = true, v.status, v.notes
	s.Shards = make(map[replication.ShardID]ShardSnapshot, len(v.shards))
	for id, one := range v.shards {
		s.Shards[id] = ShardSnapshot{Term: one.term, Leader: one.leader}
	}
	s.Servers = make(map[replication.ServerID]ServerSnapshot, len(v.servers))
	for id, one := range v.servers {
		s.Servers[id] = ServerSnapshot{State: one.state, Err: one.reason}
	}
	return s
}

// UpdateConfig changes what is wanted of the cluster. See config.Source.
func (c *Coordinator) UpdateConfig(ctx context.Context, change func(*api.ClusterConfiguration) error) error {
	return c.options.Config.Update(ctx, change)
}
