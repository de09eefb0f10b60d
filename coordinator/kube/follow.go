package kube

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

// The times of following an object.
const (
	// watchFor is how long one watch lasts. The API server ends it then; a little
	// later it is given up, should its end be lost.
	watchFor   = 5 * time.Minute
	watchGrace = 30 * time.Second
	// lookEvery is how often the object is looked at though no event came: a
	// connection may fall silent without an end.
	lookEvery = time.Minute
	// A watch that failed is begun again after retryLeast, and then ever later, up to
	// retryMost; each time up to a half more, by chance.
	retryLeast = 100 * time.Millisecond
	retryMost  = 10 * time.Second
	// steadyFor is how long a watch has to last for the next to begin soon.
	steadyFor = 5 * time.Second
)

// Followed is an object to be followed.
type Followed struct {
	// Kind and Name are the object's.
	Kind, Name string
	// Watch begins a watch of objects of its kind.
	Watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
	// Look is called when the object may have changed. It reads the object itself:
	// events are not passed on.
	Look   func(context.Context)
	Logger *slog.Logger
}

// Follow follows an object until the context is done.
func Follow(ctx context.Context, f Followed) {
	wait, failing := retryLeast, false
	for {
		began := time.Now()
		err := f.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			f.Logger.Warn("a Kubernetes object cannot be watched; it is looked at now and then",
				"kind", f.Kind, "name", f.Name, "error", err)
		}
		failing = err != nil
		if time.Since(began) >= steadyFor {
			wait = retryLeast
		}
		again := time.NewTimer(wait + rand.N(wait/2))
		select {
		case <-ctx.Done():
			again.Stop()
			return
		case <-again.C:
		}
		wait = min(2*wait, retryMost)
		if failing {
			f.Look(ctx)
		}
	}
}

// once follows the object by one watch. Nil says that it came to its ordinary end.
func (f *Followed) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchFor+watchGrace)
	defer cancel()
	seconds := int64(watchFor / time.Second)
	// Without a version to begin from, it begins at present, and none can be too old.
	watching, err := f.Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, f.Name).String(), TimeoutSeconds: &seconds,
	})
	if err != nil {
		return fmt.Errorf("begin a watch: %w", err)
	}
	defer watching.Stop()
	// What changes from now on is told; what changed before is seen by looking.
	f.Look(ctx)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-watching.ResultChan():
			if !open {
				return nil
			}
			if event.Type == watch.Error {
				return fmt.Errorf("watch: %w", apierrors.FromObject(event.Object))
			}
			f.Look(ctx)
		case <-ticker.C:
			f.Look(ctx)
		}
	}
}
