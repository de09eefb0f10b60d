package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

// leaseAnnotation has the lease, as leaseText. The spec repeats what it has for those
// who look.
const leaseAnnotation = "ostraka.io/lease"

type leaseText struct {
	Version int64          `json:"version"`
	Lease   metadata.Lease `json:"lease"`
}

// knownLease is the lease as it was last read or written here.
type knownLease struct {
	text leaseText
	// object is never changed; nil if there is none.
	object *coordinationv1.Lease
}

func (p *provider) tellChanged() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// LeaseChanged implements metadata.Provider.
func (p *provider) LeaseChanged() <-chan struct{} { return p.changed }

// ReadLease implements metadata.Provider.
func (p *provider) ReadLease(ctx context.Context) (metadata.Lease, int64, error) {
	now, err := p.getLease(ctx)
	return now.text.Lease, now.text.Version, err
}

func (p *provider) explainLease(verb string, err error) error {
	return kube.Explain(verb, "Lease "+p.options.Status, p.options.Client.Namespace, err)
}

// leaseRequest makes one request, and tells the end of the context as such.
func leaseRequest(
	ctx context.Context, do func(context.Context) (*coordinationv1.Lease, error),
) (*coordinationv1.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bounded, cancel := kube.Bound(ctx)
	defer cancel()
	found, err := do(bounded)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return found, err
}

func (p *provider) getLease(ctx context.Context) (knownLease, error) {
	found, err := leaseRequest(ctx, func(ctx context.Context) (*coordinationv1.Lease, error) {
		return p.options.Client.Leases.Get(ctx, p.options.Status, metav1.GetOptions{})
	})
	now := knownLease{object: found}
	switch {
	case apierrors.IsNotFound(err):
		now.object = nil
	case err != nil:
		return knownLease{}, p.explainLease("get", err)
	default:
		if now.text, err = decodeLease(found); err != nil {
			return knownLease{}, fmt.Errorf("the Lease %s in namespace %s is refused: %w. Name another status, "+
				"or delete the Lease if no other program uses it", p.options.Status, p.options.Client.Namespace, err)
		}
	}
	p.rememberLease(now)
	return now, nil
}

func (p *provider) rememberLease(now knownLease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease = now
}

// decodeLease reads a Lease: the zero value from one that nobody held yet.
func decodeLease(found *coordinationv1.Lease) (leaseText, error) {
	text, ours := found.Annotations[leaseAnnotation]
	if !ours {
		if found.Spec.HolderIdentity != nil && *found.Spec.HolderIdentity != "" {
			return leaseText{}, fmt.Errorf("%s holds it, which is no coordinator", *found.Spec.HolderIdentity)
		}
		return leaseText{}, nil
	}
	var decoded leaseText
	if err := packed.DecodeOne([]byte(text), &decoded); err != nil {
		return leaseText{}, fmt.Errorf("its annotation %s is damaged: %w", leaseAnnotation, err)
	}
	if decoded.Version < 1 {
		return leaseText{}, fmt.Errorf("its annotation %s has version %d: versions count from 1", leaseAnnotation, decoded.Version)
	}
	return decoded, nil
}

// leaseWasHeld reports whether any coordinator has led on this status.
func (p *provider) leaseWasHeld(ctx context.Context) (bool, error) {
	now, err := p.getLease(ctx)
	return now.text.Version > 0, err
}

// WriteLease implements metadata.Provider.
func (p *provider) WriteLease(ctx context.Context, lease metadata.Lease, version int64) error {
	p.mu.Lock()
	now := p.lease
	p.mu.Unlock()
	for range maxRaces {
		if now.text.Version != version {
			// What is known may be old.
			var err error
			if now, err = p.getLease(ctx); err != nil {
				return fmt.Errorf("write the lease: %w", err)
			}
		}
		if now.text.Version != version {
			return fmt.Errorf("write the lease over version %d, and there is %d: %w", version, now.text.Version, metadata.ErrConflict)
		}
		err := p.putLease(ctx, lease, now)
		if err == nil || !errors.Is(err, errRaced) {
			return err
		}
		// Somebody may have changed no more than a label.
		if now, err = p.getLease(ctx); err != nil {
			return fmt.Errorf("write the lease: %w", err)
		}
	}
	return fmt.Errorf("write the lease: %w, %d times", errRaced, maxRaces)
}

// putLease stores the lease in the place of what is known of it. ErrRaced says for
// certain that it did not.
func (p *provider) putLease(ctx context.Context, lease metadata.Lease, base knownLease) error {
	text := leaseText{Version: base.text.Version + 1, Lease: lease}
	next, err := encodeLease(base, text, p.options.Status)
	if err != nil {
		return err
	}
	verb := "update"
	stored, err := leaseRequest(ctx, func(ctx context.Context) (*coordinationv1.Lease, error) {
		if base.object == nil {
			verb = "create"
			return p.options.Client.Leases.Create(ctx, next, metav1.CreateOptions{})
		}
		return p.options.Client.Leases.Update(ctx, next, metav1.UpdateOptions{})
	})
	switch {
	case apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && base.object != nil:
		return errRaced
	case err != nil:
		return fmt.Errorf("write the lease: %w", p.explainLease(verb, err))
	}
	p.rememberLease(knownLease{text: text, object: stored})
	return nil
}

// encodeLease returns the Lease as it is to be.
func encodeLease(base knownLease, text leaseText, name string) (*coordinationv1.Lease, error) {
	encoded, err := json.Marshal(text)
	if err != nil {
		return nil, fmt.Errorf("encode the lease: %w", err)
	}
	next := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if base.object != nil {
		next = base.object.DeepCopy()
	}
	about(&next.ObjectMeta)
	next.Annotations[leaseAnnotation] = string(encoded)
	holder, now := text.Lease.Holder, metav1.NewMicroTime(time.Now())
	if text.Lease.Released {
		holder = ""
	}
	if base.text.Lease.Run != text.Lease.Run {
		transitions := int32(0)
		if before := next.Spec.LeaseTransitions; before != nil {
			transitions = *before
		}
		transitions++
		next.Spec.LeaseTransitions, next.Spec.AcquireTime = &transitions, &now
	}
	next.Spec.HolderIdentity, next.Spec.RenewTime = &holder, &now
	return next, nil
}
