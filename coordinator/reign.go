package coordinator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/attend"
	"github.com/ostraka-db/ostraka/coordinator/elections"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

// statusKey is the key of the cluster's status.
const statusKey = "cluster"

// The times of a reign's dealings with the metadata store.
const (
	storeWithin = 5 * time.Second
	retryAfter  = 200 * time.Millisecond
	// planSoon is within what time it is planned anew when something changed. It is what
	// limits how often that is done while much changes, as in a failover.
	planSoon = 300 * time.Millisecond
	// replanEvery is how often it is planned though nothing is known to have changed:
	// loads change all the time, and patience ends.
	replanEvery = 5 * time.Second
)

// reign is one leadership among the coordinators.
type reign struct {
	coordinator *Coordinator
	options     Options
	self        replication.Server
	logger      *slog.Logger
	view        *view

	driver    *elections.Driver
	transport Transport
	store     *shards.Store
	attending *attend.Set

	// status is the cluster's, stored as version.
	status  plan.Status
	version int64
	// enacted is the version of the status that elections were told of. Held are the shards
	// whose elections are held, peers the servers that are known to the node.
	enacted int64
	held    map[replication.ShardID]*held
	peers   map[replication.ServerID]bool
	// began is since when the reign has looked at the cluster.
	began time.Time
	moves *moves
	// wanted is the configuration that was planned for last, notes what came of that, and
	// noted those that were logged last.
	wanted *api.ClusterConfiguration
	notes  []plan.Note
	noted  string

	// orders are what administrators ask for. Over is closed when the reign ends.
	orders chan order
	over   chan struct{}
}

func newReign(c *Coordinator, run uint64) *reign {
	return &reign{
		coordinator: c, options: c.options, logger: c.options.Logger, view: newView(c.options.Observer),
		self: replication.Server{
			ID: replication.ServerID("coordinator/" + c.options.Name), Run: replication.RunID(run),
			// It has no disk that could be lost.
			Incarnation: replication.Incarnation(run),
		},
		held: map[replication.ShardID]*held{}, peers: map[replication.ServerID]bool{},
		began: time.Now(), moves: newMoves(c.options.Observer, c.options.Logger),
		orders: make(chan order), over: make(chan struct{}),
	}
}

// run leads until the context is done.
func (r *reign) run(ctx context.Context) {
	if !r.begin(ctx) {
		return
	}
	defer r.end()
	var publishing sync.WaitGroup
	defer publishing.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	publishing.Go(func() { publish(ctx, r.view, r.attending, r.self) })
	r.supervise(ctx)
}

// supervise plans, at once when what is wanted changed, and soon when anything else did; and
// carries orders out, until the context is done.
func (r *reign) supervise(ctx context.Context) {
	due := time.Now()
	next := time.NewTimer(0)
	defer next.Stop()
	within := func(d time.Duration) {
		if at := time.Now().Add(d); at.Before(due) {
			due = at
			next.Reset(d)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-r.orders:
			o.done <- r.carryOut(ctx, o)
			within(0)
		case <-r.options.Config.Changed():
			within(0)
		case <-r.view.stirred:
			within(planSoon)
		case <-next.C:
			due = time.Now().Add(r.plan(ctx))
			next.Reset(time.Until(due))
		}
	}
}

// plan brings the cluster closer to what is wanted, and returns after what time to look
// again.
func (r *reign) plan(ctx context.Context) time.Duration {
	again, err := r.reconcile(ctx)
	if ctx.Err() != nil {
		return replanEvery
	}
	r.coordinator.show(r)
	switch {
	case err != nil:
		r.logger.Warn("the cluster's status cannot be brought to what is wanted; trying again", "error", err)
		return retryAfter
	case again.IsZero():
		return replanEvery
	}
	return min(max(time.Until(again), planSoon), replanEvery)
}

// begin reads what there is, and starts what serves it. It reports false if the
// context was done before.
func (r *reign) begin(ctx context.Context) bool {
	for {
		err := r.tryBegin(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.logger.Error("this coordinator leads, and cannot begin; trying again", "error", err)
		again := time.NewTimer(retryAfter)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
		again.Stop()
	}
}

func (r *reign) tryBegin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if err := r.loadStatus(ctx); err != nil {
		return err
	}
	documents, err := shards.List(ctx, r.options.Metadata)
	if err != nil {
		return err
	}
	for id, doc := range documents {
		r.view.found(id, doc)
	}
	driver := elections.New(r.self, r.options.Core)
	r.transport, err = r.options.Transport(TransportOptions{
		Self: r.self, Cluster: r.status.Cluster, Deliver: driver.Deliver,
		Credentials: r.options.Credentials, Logger: r.logger,
		Gone: func(id replication.ServerID, refused bool) {
			r.view.gone(id)
			driver.Gone(id, refused)
		},
	})
	if err != nil {
		return fmt.Errorf("start the transport: %w", err)
	}
	r.driver = driver
	r.store = shards.Open(shards.Options{
		Provider: r.options.Metadata, Within: r.options.Core.StoreWithin, Complete: driver.Complete,
		Written: r.view.written, Stored: r.options.Observer.DocumentsStored, Logger: r.logger,
	})
	r.attending = attend.NewSet(attend.Options{
		Credentials: r.options.Credentials, Heard: r.view.heard, Lost: r.view.lost,
	})
	r.view.set(r.status, r.version, r.options.Config.Current(), nil)
	for _, c := range r.status.Changes {
		if s, there := r.view.shardNow(c.Shard); there && !placed(&s.Document, s.Wanted) {
			r.moves.found(c)
		}
	}
	var peers []replication.ServerID
	for _, s := range r.status.Servers {
		peers = append(peers, s.Name)
		r.peers[s.Name] = true
	}
	driver.Start(r.transport, r.store, peers)
	return nil
}

// end stops everything that begin started, those first who ask others.
func (r *reign) end() {
	r.coordinator.show(nil)
	close(r.over)
	r.driver.Close()
	r.attending.Close()
	r.store.Close()
	r.transport.Close()
}

// loadStatus reads the cluster's status, or makes the cluster.
func (r *reign) loadStatus(ctx context.Context) error {
	found, err := r.options.Metadata.Read(ctx, []string{statusKey})
	if err != nil {
		return err
	}
	stored, there := found[statusKey]
	if !there {
		return r.makeCluster(ctx)
	}
	status, err := plan.DecodeStatus(stored.Value)
	if err != nil {
		return err
	}
	r.status, r.version = status, stored.Version
	return nil
}

// makeCluster stores the status of a new cluster.
func (r *reign) makeCluster(ctx context.Context) error {
	status := plan.Status{Cluster: rand.Text()}
	if err := r.storeStatus(ctx, status, 0); err != nil {
		return fmt.Errorf("make a new cluster: %w", err)
	}
	r.logger.Info("made a new cluster", "cluster", status.Cluster)
	return nil
}

// storeStatus stores a status over a version, and goes on with it.
func (r *reign) storeStatus(ctx context.Context, status plan.Status, version int64) error {
	value, err := status.Encode()
	if err != nil {
		return err
	}
	err = r.options.Metadata.Update(ctx, []metadata.Change{{Key: statusKey, Value: value, Version: version}})[0]
	if errors.Is(err, metadata.ErrConflict) {
		return fmt.Errorf("another coordinator changed the cluster's status: %w", err)
	}
	if err != nil {
		return err
	}
	r.status, r.version = status, version+1
	return nil
}
