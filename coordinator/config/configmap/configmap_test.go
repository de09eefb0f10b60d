package configmap

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/kube/fakeapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	name = "config"
	// patience is for what comes at once unless something is broken.
	patience = 20 * time.Second

	oneServer  = "servers:\n- {name: a, public: \"a:1\", internal: \"a:2\"}\n"
	twoServers = oneServer + "- {name: b, public: \"b:1\", internal: \"b:2\"}\n"
)

func put(s *fakeapi.Server, data map[string]string) {
	s.Put("configmaps", fakeapi.Namespace, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data})
}

func opened(t *testing.T, s *fakeapi.Server) *Source {
	t.Helper()
	source, err := Open(t.Context(), s.Client(t), name, slog.New(slog.DiscardHandler))
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

func server(t *testing.T) *fakeapi.Server {
	t.Helper()
	s := fakeapi.New()
	t.Cleanup(s.Close)
	return s
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for begun := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("not so: %s", what)
		}
	}
}

func awaitServers(t *testing.T, source *Source, n int) {
	t.Helper()
	await(t, "the servers are those of the ConfigMap", func() bool { return len(source.Current().GetServers()) == n })
}

// Changes come in force, whatever ended the watch before them; what is wrong, empty or
// gone does not.
func TestConfigMapIsFollowed(t *testing.T) {
	s := server(t)
	put(s, map[string]string{"cluster.yaml": oneServer, "other": "x"})
	source := opened(t, s)
	watched := func() { await(t, "the ConfigMap is watched", func() bool { return s.Watches("configmaps") == 1 }) }
	for _, end := range []func(){
		func() {},
		func() { s.EndWatches(apierrors.NewResourceExpired("too old")) },
		func() { s.EndWatches(nil) },
	} {
		watched()
		put(s, map[string]string{"cluster.yaml": twoServers, "other": "x"})
		awaitServers(t, source, 2)
		watched()
		end()
		put(s, map[string]string{"cluster.yaml": oneServer, "other": "x"})
		awaitServers(t, source, 1)
	}
	for _, c := range []struct {
		data map[string]string
		want string
	}{
		{map[string]string{"cluster.yaml": "servers: 3\n"}, "configmap:here/config:1: servers"},
		{map[string]string{"cluster.yaml": "\n"}, "is empty: write {}"},
		{map[string]string{"a": "{}", "b": "{}"}, "it has 2 keys of text (a, b): put the configuration at cluster.yaml"},
		{nil, "it has 0 keys"},
	} {
		put(s, c.data)
		await(t, c.want, func() bool { err := source.Problem(); return err != nil && strings.Contains(err.Error(), c.want) })
	}
	s.Delete("configmaps", fakeapi.Namespace, name)
	await(t, "it is told that it was deleted", func() bool {
		return strings.Contains(source.Problem().Error(), "there is no ConfigMap config in namespace here: make it")
	})
	if n := len(source.Current().GetServers()); n != 1 {
		t.Errorf("%d servers are in force", n)
	}
	put(s, map[string]string{"only": twoServers})
	awaitServers(t, source, 2)
}

func TestWhatIsNotThereOrWrongIsRefused(t *testing.T) {
	s := server(t)
	refused := func(want string) {
		t.Helper()
		source, err := Open(t.Context(), s.Client(t), name, slog.New(slog.DiscardHandler))
		if err == nil {
			_ = source.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	refused("there is no ConfigMap config in namespace here: make it, with the configuration at its key cluster.yaml")
	put(s, map[string]string{"config.yaml": "shards: 1\n"})
	refused("configmap:here/config:1: shards: unknown key")
	s.Intercept(func(*http.Request) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, name, errors.New("no right"))
	})
	refused("let the Role of this process's ServiceAccount get it")
}

// An update replaces its one key, and nothing that others wrote meanwhile.
func TestUpdateReplacesTheText(t *testing.T) {
	s := server(t)
	put(s, map[string]string{"cluster.yaml": oneServer, "other": "x"})
	source := opened(t, s)
	add := func(c *api.ClusterConfiguration) error {
		c.AllowExtraAuthorities = append(c.AllowExtraAuthorities, "x:1")
		return nil
	}
	if err := source.Update(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	stored := s.Get("configmaps", fakeapi.Namespace, name).(*corev1.ConfigMap)
	again, err := config.Parse("stored", []byte(stored.Data["cluster.yaml"]))
	if err != nil || len(again.GetAllowExtraAuthorities()) != 1 || stored.Data["other"] != "x" {
		t.Errorf("stored %v, %v", stored.Data, err)
	}
	if n := len(source.Current().GetAllowExtraAuthorities()); n != 1 {
		t.Errorf("in force are %d authorities", n)
	}
	// Another is faster, between this one's read and its write.
	s.Intercept(func(r *http.Request) error {
		if r.Method == http.MethodPut {
			s.Intercept(nil)
			put(s, map[string]string{"cluster.yaml": twoServers})
		}
		return nil
	})
	if err := source.Update(t.Context(), add); !errors.Is(err, config.ErrChanged) {
		t.Errorf("error is %v", err)
	}
	awaitServers(t, source, 2)
	s.Intercept(func(r *http.Request) error {
		if r.Method == http.MethodPut {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, name, errors.New("no right"))
		}
		return nil
	})
	if err := source.Update(t.Context(), add); !errors.Is(err, config.ErrReadOnly) {
		t.Errorf("error is %v", err)
	}
	if text := s.Get("configmaps", fakeapi.Namespace, name).(*corev1.ConfigMap).Data["cluster.yaml"]; text != twoServers {
		t.Errorf("stored is %s", text)
	}
}
