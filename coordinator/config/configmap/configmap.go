package configmap

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/kube"
)

// The keys at which the configuration is looked for, where there are several.
var wellKnown = []string{"cluster.yaml", "config.yaml"}

// Source is a config.Source that follows a ConfigMap.
type Source struct {
	*config.Text
	stop    context.CancelFunc
	running sync.WaitGroup
}

// place is the ConfigMap. It is read and written by one at a time.
type place struct {
	client *kube.Client
	name   string
	// read is what was read last, and never changed.
	read *corev1.ConfigMap
	key  string
}

// Open reads the configuration and follows it until Close. A ConfigMap that is not
// there, or is wrong, is an error now, and only now.
func Open(ctx context.Context, client *kube.Client, name string, logger *slog.Logger) (*Source, error) {
	at := &place{client: client, name: name}
	text, err := config.NewText(ctx, config.Place{
		Name: "configmap:" + client.Namespace + "/" + name, Read: at.get, Write: at.put,
	}, logger)
	if err != nil {
		return nil, err
	}
	following, stop := context.WithCancel(context.Background())
	s := &Source{Text: text, stop: stop}
	s.running.Go(func() {
		kube.Follow(following, kube.Followed{
			Kind: "ConfigMap", Name: name, Watch: client.ConfigMaps.Watch, Look: text.Look, Logger: logger,
		})
	})
	return s, nil
}

// Close implements config.Source.
func (s *Source) Close() error {
	s.stop()
	s.running.Wait()
	return nil
}

func (p *place) explain(verb string, err error) error {
	return kube.Explain(verb, "ConfigMap "+p.name, p.client.Namespace, err)
}

// get reads the text.
func (p *place) get(ctx context.Context) ([]byte, error) {
	bounded, cancel := kube.Bound(ctx)
	defer cancel()
	found, err := p.client.ConfigMaps.Get(bounded, p.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read the cluster configuration: there is no ConfigMap %s in namespace %s: make it, with the "+
			"configuration at its key %s", p.name, p.client.Namespace, wellKnown[0])
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster configuration: %w", p.explain("get", err))
	}
	key, err := keyOf(found)
	if err != nil {
		return nil, fmt.Errorf("read the cluster configuration from ConfigMap %s in namespace %s: %w", p.name, p.client.Namespace, err)
	}
	p.read, p.key = found, key
	return []byte(found.Data[key]), nil
}

// keyOf returns the key that has the configuration.
func keyOf(found *corev1.ConfigMap) (string, error) {
	for _, key := range wellKnown {
		if _, there := found.Data[key]; there {
			return key, nil
		}
	}
	keys := slices.Sorted(maps.Keys(found.Data))
	if len(keys) == 1 {
		return keys[0], nil
	}
	return "", fmt.Errorf("it has %d keys of text (%s): put the configuration at %s",
		len(keys), strings.Join(keys, ", "), wellKnown[0])
}

// put replaces the text that was read last.
func (p *place) put(ctx context.Context, text []byte) error {
	next := p.read.DeepCopy()
	next.Data[p.key] = string(text)
	bounded, cancel := kube.Bound(ctx)
	defer cancel()
	_, err := p.client.ConfigMaps.Update(bounded, next, metav1.UpdateOptions{})
	switch {
	case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
		return fmt.Errorf("%w in ConfigMap %s in namespace %s: try again", config.ErrChanged, p.name, p.client.Namespace)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: change it where it comes from (%w)", config.ErrReadOnly, p.explain("update", err))
	case next.Immutable != nil && *next.Immutable && apierrors.IsInvalid(err):
		return fmt.Errorf("%w: the ConfigMap is immutable (%w)", config.ErrReadOnly, err)
	case err != nil:
		return fmt.Errorf("write the cluster configuration: %w", p.explain("update", err))
	}
	return nil
}
