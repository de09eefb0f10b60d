package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// The limits of a provider.
const (
	// maxWaiting bounds the parts of Updates that wait for one object; more wait to be
	// taken.
	maxWaiting = 1024
	// maxRaces bounds how often a write is tried again because another process was
	// faster.
	maxRaces = 100
	// maxRequests bounds the requests about documents that are under way.
	maxRequests = 8
)

// Options are a provider's. All are required.
type Options struct {
	Client *kube.Client
	// Status is the name of the first ConfigMap, and of the Lease.
	Status string
	// Objects is how many ConfigMaps there are, from 1 to MaxObjects: the same for all
	// providers, for ever.
	Objects int
	// Logger is told of what concerns no call.
	Logger *slog.Logger
}

// CheckNames says what is wrong with the name of a status, or its number of objects.
func CheckNames(status string, objects int) error {
	if objects < 1 || objects > MaxObjects {
		return fmt.Errorf("the status has %d objects: must be from 1 to %d", objects, MaxObjects)
	}
	names := Names(status, objects)
	if problems := validation.IsDNS1123Subdomain(names[len(names)-1]); len(problems) > 0 || status == "" {
		return fmt.Errorf("the name of the status is %q: must be one that a ConfigMap can have, and leave room for a number: %s",
			status, strings.Join(problems, "; "))
	}
	return nil
}

// provider implements metadata.Provider.
type provider struct {
	options Options
	objects []*object
	// requests has an element for each request that is under way.
	requests chan struct{}
	changed  chan struct{}
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex // guards what follows
	lease knownLease
}

// Open returns a provider of a status, whose objects it makes if there is no trace of
// any. It needs the API server.
func Open(ctx context.Context, o Options) (metadata.Provider, error) {
	if err := CheckNames(o.Status, o.Objects); err != nil {
		return nil, err
	}
	p := &provider{options: o, requests: make(chan struct{}, maxRequests), changed: make(chan struct{}, 1)}
	for i, name := range Names(o.Status, o.Objects) {
		p.objects = append(p.objects, &object{provider: p, index: i, name: name, waiting: make(chan *part, maxWaiting)})
	}
	if err := p.begin(ctx); err != nil {
		return nil, fmt.Errorf("open the cluster's status: %w", err)
	}
	working, stop := context.WithCancel(context.Background())
	p.stop = stop
	for _, one := range p.objects {
		p.running.Go(func() { one.work(working) })
	}
	p.running.Go(func() {
		kube.Follow(working, kube.Followed{
			Kind: "Lease", Name: o.Status, Watch: o.Client.Leases.Watch, Logger: o.Logger,
			Look: func(context.Context) { p.tellChanged() },
		})
	})
	return p, nil
}

// Close implements metadata.Provider.
func (p *provider) Close() error {
	p.stop()
	p.running.Wait()
	return nil
}

// Read implements metadata.Provider.
func (p *provider) Read(ctx context.Context, keys []string) (map[string]metadata.Document, error) {
	wanted := map[*object]bool{}
	for _, key := range keys {
		wanted[p.objects[Place(key, len(p.objects))]] = true
	}
	states, err := p.read(ctx, func(o *object) bool { return wanted[o] })
	if err != nil {
		return nil, err
	}
	found := make(map[string]metadata.Document, len(keys))
	for _, key := range keys {
		if d, ok := states[Place(key, len(p.objects))].content.state.Get(key); ok {
			found[key] = d
		}
	}
	return found, nil
}

// List implements metadata.Provider.
func (p *provider) List(ctx context.Context, prefix string) (map[string]metadata.Document, error) {
	states, err := p.read(ctx, func(*object) bool { return true })
	if err != nil {
		return nil, err
	}
	found := map[string]metadata.Document{}
	for _, s := range states {
		s.content.state.Collect(prefix, found)
	}
	return found, nil
}

// read reads objects, side by side, and returns each in its place.
func (p *provider) read(ctx context.Context, wanted func(*object) bool) ([]*stored, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	states, errs := make([]*stored, len(p.objects)), make([]error, len(p.objects))
	var reading sync.WaitGroup
	for i, o := range p.objects {
		if wanted(o) {
			reading.Go(func() { states[i], errs[i] = o.read(ctx) })
		}
	}
	reading.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return states, nil
}

// Update implements metadata.Provider.
func (p *provider) Update(ctx context.Context, changes []metadata.Change) []error {
	if err := ctx.Err(); err != nil {
		return metadata.Failed(len(changes), fmt.Errorf("store documents: %w", err))
	}
	errs := make([]error, len(changes))
	parts := make([]*part, len(p.objects))
	for i, c := range changes {
		if errs[i] = c.Check(); errs[i] != nil {
			continue
		}
		at := Place(c.Key, len(p.objects))
		if parts[at] == nil {
			parts[at] = &part{ctx: ctx, done: make(chan struct{})}
		}
		parts[at].pending = append(parts[at].pending, &pending{change: c, position: i})
	}
	for i, one := range parts {
		if one == nil {
			continue
		}
		select {
		case p.objects[i].waiting <- one:
		case <-ctx.Done(): // which is said below
		}
	}
	for _, one := range parts {
		if one != nil {
			one.await(errs)
		}
	}
	return errs
}

// begin makes sure that the objects are there, and are those of this status.
func (p *provider) begin(ctx context.Context) error {
	for range maxRaces {
		ready, err := p.tryBegin(ctx)
		if ready || err != nil {
			return err
		}
	}
	return fmt.Errorf("others make its ConfigMaps at the same time, again and again: %w", errRaced)
}

// tryBegin reports whether all objects are there, and makes those that are not.
func (p *provider) tryBegin(ctx context.Context) (bool, error) {
	// The order tells what was there once. Who holds the lease has made all objects
	// before, the first one last; and only then are documents stored.
	held, err := p.leaseWasHeld(ctx)
	if err != nil {
		return false, err
	}
	var blank []*object
	documents := 0
	for i := len(p.objects) - 1; i >= 0; i-- {
		switch found, err := p.objects[i].look(ctx); {
		case errors.Is(err, errMissing) || errors.Is(err, errBlank):
			blank = append(blank, p.objects[i])
		case err != nil:
			return false, err
		default:
			documents += found.content.state.Len()
		}
	}
	if len(blank) == 0 {
		return true, nil
	}
	lost := blank[len(blank)-1]
	switch {
	case lost.index > 0 || documents > 0:
		return false, lost.refuse(errors.New("it was deleted or emptied, and others of the status are there"))
	case held:
		return false, lost.refuse(fmt.Errorf("it is not there or empty, and the Lease %s was held, so there was a status "+
			"(if this is to be a new cluster, delete the Lease too)", p.options.Status))
	}
	for _, one := range blank {
		if err := one.make(ctx); errors.Is(err, errRaced) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	p.options.Logger.Info("made the ConfigMaps of a new cluster's status", "status", p.options.Status, "objects", len(p.objects))
	return false, nil
}

// about is what is said of all objects to those who look at them.
func about(meta *metav1.ObjectMeta) {
	if meta.Labels == nil {
		meta.Labels = map[string]string{}
	}
	meta.Labels["app.kubernetes.io/managed-by"] = "ostraka-coordinator"
	if meta.Annotations == nil {
		meta.Annotations = map[string]string{}
	}
	meta.Annotations["ostraka.io/about"] = "the status of an Ostraka cluster, written by its coordinators: do not edit, do not delete"
}
