package kube_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/kube/fakeapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var logger = slog.New(slog.DiscardHandler)

func TestWrongConnectionsAreRefused(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("not: [a kubeconfig"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := fakeapi.Kubeconfig(t, "http://127.0.0.1:1")
	for _, c := range []struct {
		options kube.Options
		want    string
	}{
		{kube.Options{}, "this process is in no pod: name a kubeconfig"},
		{kube.Options{Kubeconfig: "/no/such/file"}, "by the kubeconfig /no/such/file"},
		{kube.Options{Kubeconfig: empty}, "by the kubeconfig " + empty},
		{kube.Options{Kubeconfig: good, Namespace: "No_Such"}, `the Kubernetes namespace is "No_Such"`},
	} {
		if _, err := kube.Connect(c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.want)
		}
	}
	for want, named := range map[string]string{fakeapi.Namespace: "", "other": "other"} {
		client, err := kube.Connect(kube.Options{Kubeconfig: good, Namespace: named, Logger: logger})
		if err != nil || client.Namespace != want {
			t.Errorf("namespace %s, %v, want %s", client.Namespace, err, want)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	resource := schema.GroupResource{Resource: "configmaps"}
	for want, err := range map[string]error{
		"let the Role of this process's ServiceAccount update it": apierrors.NewForbidden(resource, "x", errors.New("no")),
		"the credentials are not accepted":                        apierrors.NewUnauthorized("no"),
	} {
		told := kube.Explain("update", "ConfigMap x", "here", err)
		if !strings.Contains(told.Error(), "update ConfigMap x in namespace here") || !strings.Contains(told.Error(), want) || !errors.Is(told, err) {
			t.Errorf("told %v, want %q", told, want)
		}
	}
	if err := kube.Explain("create", "ConfigMap x", "here", apierrors.NewNotFound(resource, "x")); !strings.Contains(err.Error(), "is there such a namespace?") {
		t.Error(err)
	}
	if err := kube.Explain("get", "ConfigMap x", "here", nil); err != nil {
		t.Error(err)
	}
}

// follow follows an object by a function that begins watches, in the time of a bubble,
// and counts the looks.
func follow(t *testing.T, begin func() (watch.Interface, error)) *atomic.Int64 {
	t.Helper()
	looks := &atomic.Int64{}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		kube.Follow(ctx, kube.Followed{
			Kind: "Lease", Name: "x", Logger: logger, Look: func(context.Context) { looks.Add(1) },
			Watch: func(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
				if o.FieldSelector != "metadata.name=x" || o.ResourceVersion != "" || o.TimeoutSeconds == nil {
					t.Errorf("watched with %+v", o)
				}
				return begin()
			},
		})
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return looks
}

// A watch that says nothing any more, or cannot be begun, leaves the object looked at
// now and then; and nobody is asked more often than every few seconds for long.
func TestSilentAndMissingWatchesAreMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := watch.NewFake()
		looks := follow(t, func() (watch.Interface, error) { return silent, nil })
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if n := looks.Load(); n < 4 || n > 6 {
			t.Errorf("%d looks in four minutes of silence", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var begun int
		looks := follow(t, func() (watch.Interface, error) { begun++; return nil, errors.New("no") })
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := looks.Load(); begun < 8 || begun > 20 || n < int64(begun)-1 {
			t.Errorf("%d watches were tried in a minute, and %d looks taken", begun, n)
		}
	})
}

// Each event is a look, and so is each new beginning.
func TestEventsAndBeginningsAreLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watches := make(chan *watch.FakeWatcher, 10)
		looks := follow(t, func() (watch.Interface, error) {
			w := watch.NewFake()
			watches <- w
			return w, nil
		})
		expect := func(n int64) {
			t.Helper()
			synctest.Wait()
			if got := looks.Load(); got != n {
				t.Fatalf("%d looks, want %d", got, n)
			}
		}
		first := <-watches
		expect(1)
		first.Modify(&metav1.Status{})
		first.Delete(&metav1.Status{})
		expect(3)
		first.Stop()
		second := <-watches
		expect(4)
		second.Error(&metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonExpired})
		<-watches
		expect(6) // one at once, since something failed, and one with the watch
	})
}
