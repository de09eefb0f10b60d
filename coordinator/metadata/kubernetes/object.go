package kubernetes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

var (
	// errRaced says that another process changed the object meanwhile: nothing was
	// stored.
	errRaced = errors.New("another process changed it meanwhile")
	// errMissing says that there is no such object.
	errMissing = errors.New("it is not there: it was deleted")
)

// object is one of the ConfigMaps.
type object struct {
	provider *provider
	index    int
	name     string
	waiting  chan *part

	mu    sync.Mutex // guards what follows
	known *stored
}

// stored is an object as it was at one time. It is never changed.
type stored struct {
	configMap *corev1.ConfigMap
	content   *content
}

// last returns the newest state that was seen here; nil before any.
func (o *object) last() *stored {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known
}

func (o *object) remember(s *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil || s.content.header.Writes >= o.known.content.header.Writes {
		o.known = s
	}
}

// refuse says that the object is not what was stored.
func (o *object) refuse(err error) error {
	return fmt.Errorf("the ConfigMap %s in namespace %s is refused: %w. Restore it from a copy; "+
		"a cluster whose status is lost cannot be told from another", o.name, o.provider.options.Client.Namespace, err)
}

func (o *object) explain(verb string, err error) error {
	return kube.Explain(verb, "ConfigMap "+o.name, o.provider.options.Client.Namespace, err)
}

// request makes one request, in its turn and its time.
func (o *object) request(ctx context.Context, do func(context.Context) (*corev1.ConfigMap, error)) (*corev1.ConfigMap, error) {
	select {
	case o.provider.requests <- struct{}{}:
		defer func() { <-o.provider.requests }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	bounded, cancel := kube.Bound(ctx)
	defer cancel()
	c, err := do(bounded)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return c, err
}

// read returns the object as it is now.
func (o *object) read(ctx context.Context) (*stored, error) {
	s, err := o.look(ctx)
	if errors.Is(err, errMissing) || errors.Is(err, errBlank) {
		return nil, o.refuse(err)
	}
	return s, err
}

// look is read, but for an object that is not there (errMissing), or is empty
// (errBlank).
func (o *object) look(ctx context.Context) (*stored, error) {
	// What is read is compared with what was known when it was asked for: what is known
	// after may be newer.
	before := o.last()
	c, err := o.request(ctx, func(ctx context.Context) (*corev1.ConfigMap, error) {
		return o.provider.options.Client.ConfigMaps.Get(ctx, o.name, metav1.GetOptions{})
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, errMissing
	case err != nil:
		return nil, o.explain("get", err)
	case before != nil && before.configMap.UID == c.UID && before.configMap.ResourceVersion == c.ResourceVersion:
		return before, nil
	}
	found, err := decode(c)
	if errors.Is(err, errBlank) {
		return nil, err
	}
	if err == nil {
		err = o.check(found.header, before)
	}
	if err != nil {
		return nil, o.refuse(err)
	}
	s := &stored{configMap: c, content: found}
	o.remember(s)
	return s, nil
}

// check says why a header is not that of this object, or not after what was known.
func (o *object) check(h header, before *stored) error {
	options := o.provider.options
	switch {
	case h.Objects != options.Objects:
		return fmt.Errorf("the status was made with %d objects, and this process is to use %d: its number never changes, set it to %d",
			h.Objects, options.Objects, h.Objects)
	case h.Status != options.Status || h.Object != o.index:
		return fmt.Errorf("it is a copy of object %d of the status %s", h.Object, h.Status)
	case before != nil && (h.Writes < before.content.header.Writes ||
		h.Writes == before.content.header.Writes && h.Writer != before.content.header.Writer):
		return fmt.Errorf("it was put back to an earlier state, from after %d writes to after %d "+
			"(if you did that on purpose, stop all coordinators, and start them again)", before.content.header.Writes, h.Writes)
	}
	return nil
}

// next returns what the object is to be after a change of its state.
func (o *object) next(base *stored, state *packed.State) *content {
	return &content{state: state, header: header{
		Status: o.provider.options.Status, Object: o.index, Objects: o.provider.options.Objects,
		Writes: base.content.header.Writes + 1, Writer: rand.Text(),
	}}
}

// put replaces the object by a content, if it is still the base. ErrRaced says for
// certain that it was not.
func (o *object) put(ctx context.Context, base *stored, next *content) error {
	c := base.configMap.DeepCopy()
	if err := next.encode(c); err != nil {
		return err
	}
	c, err := o.request(ctx, func(ctx context.Context) (*corev1.ConfigMap, error) {
		return o.provider.options.Client.ConfigMaps.Update(ctx, c, metav1.UpdateOptions{})
	})
	switch {
	case apierrors.IsConflict(err):
		return errRaced
	case apierrors.IsNotFound(err):
		return o.refuse(errMissing)
	case err != nil:
		return o.explain("update", err)
	}
	o.remember(&stored{configMap: c, content: next})
	return nil
}

// make makes the object, or takes one that is empty. ErrRaced says that another did.
func (o *object) make(ctx context.Context) error {
	client := o.provider.options.Client.ConfigMaps
	c, err := o.request(ctx, func(ctx context.Context) (*corev1.ConfigMap, error) {
		return client.Get(ctx, o.name, metav1.GetOptions{})
	})
	verb, store := "update", func(ctx context.Context) (*corev1.ConfigMap, error) {
		return client.Update(ctx, c, metav1.UpdateOptions{})
	}
	if apierrors.IsNotFound(err) {
		c, err = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: o.name}}, nil
		verb, store = "create", func(ctx context.Context) (*corev1.ConfigMap, error) {
			return client.Create(ctx, c, metav1.CreateOptions{})
		}
	}
	if err != nil {
		return o.explain("get", err)
	}
	if _, err := decode(c); !errors.Is(err, errBlank) {
		return errRaced
	}
	about(&c.ObjectMeta)
	if err := o.next(&stored{content: &content{}}, packed.New()).encode(c); err != nil {
		return err
	}
	_, err = o.request(ctx, store)
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) {
		return errRaced
	}
	return o.explain(verb, err)
}
