package kubetest

import (
	"errors"
	"log/slog"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/config/configmap"
	"github.com/ostraka-db/ostraka/kubetest/controlplane"
)

const (
	configName = "config"
	configKey  = "cluster.yaml"
	oneServer  = "servers:\n- {name: a, public: \"a:1\", internal: \"a:2\"}\n"
	twoServers = oneServer + "- {name: b, public: \"b:1\", internal: \"b:2\"}\n"
)

// write makes the configuration's ConfigMap have a text, as kubectl would.
func write(t *testing.T, namespace, text string) {
	t.Helper()
	client := admin.CoreV1().ConfigMaps(namespace)
	found, err := client.Get(t.Context(), configName, metav1.GetOptions{})
	if err != nil {
		found = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: configName}, Data: map[string]string{configKey: text}}
		_, err = client.Create(t.Context(), found, metav1.CreateOptions{})
	} else {
		found.Data[configKey] = text
		_, err = client.Update(t.Context(), found, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func follow(t *testing.T, user, namespace string) *configmap.Source {
	t.Helper()
	source, err := configmap.Open(t.Context(), connect(t, user, namespace), configName, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

func awaitServers(t *testing.T, source config.Source, n int) {
	t.Helper()
	await(t, "the configuration is that of the ConfigMap", func() bool { return len(source.Current().GetServers()) == n })
}

// The configuration is followed, also after the API server was killed, and etcd forgot
// what a watch could have gone on from.
func TestConfigurationIsFollowedAfterItsWatchExpired(t *testing.T) {
	ns := namespace(t)
	write(t, ns, oneServer)
	source := follow(t, controlplane.Admin, ns)
	write(t, ns, twoServers)
	awaitServers(t, source, 2)
	plane.KillAPIServer()
	if err := plane.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := plane.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	write(t, ns, oneServer)
	awaitServers(t, source, 1)
	add := func(c *api.ClusterConfiguration) error {
		c.AllowExtraAuthorities = append(c.AllowExtraAuthorities, "x:1")
		return nil
	}
	if err := source.Update(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	other := follow(t, controlplane.Admin, ns)
	if err := other.Update(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	await(t, "one's change reaches the other", func() bool { return len(source.Current().GetAllowExtraAuthorities()) == 2 })
	if err := admin.CoreV1().ConfigMaps(ns).Delete(t.Context(), configName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the deletion is told", func() bool { return source.Problem() != nil })
	if err := source.Update(t.Context(), add); err == nil || errors.Is(err, config.ErrReadOnly) {
		t.Errorf("updated what was deleted: %v", err)
	}
}
