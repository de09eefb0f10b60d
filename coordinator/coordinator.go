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
	// Lease has the times of leadership among coordinators; lease.DefaultOptions' where
	// it has none. Nothing else of it is looked at.
	Lease lease.Options
	// Core are the core's options; elections.Options() if nil.
	Core *replication.Options
	// Plan are the planner's options, over which goes what the configuration says of load
	// balancing; plan.DefaultOptions() if nil.
	Plan *plan.Options
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
	// leading is the present reign, once it knows what there is; nil while another leads.
	leading *reign
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
	if o.Plan == nil {
		o.Plan = plan.DefaultOptions()
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
		Beat: o.Lease.Beat, Hold: o.Lease.Hold, Look: o.Lease.Look,
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

// show makes a reign the present one; nil makes it a thing of the past.
func (c *Coordinator) show(r *reign) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leading = r
}

// UpdateConfig changes what is wanted of the cluster. See config.Source.
func (c *Coordinator) UpdateConfig(ctx context.Context, change func(*api.ClusterConfiguration) error) error {
	return c.options.Config.Update(ctx, change)
}
