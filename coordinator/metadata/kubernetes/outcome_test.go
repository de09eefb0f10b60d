package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ostraka-db/ostraka/coordinator/kube/fakeapi"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// patience is for what comes at once unless something is broken.
const patience = 20 * time.Second

var configMaps = schema.GroupResource{Resource: "configmaps"}

// What an API server answers, and says nothing certain, is told as unknown after one
// request: also where it says when to come back.
func TestUnknownOutcomesAreToldAsSuch(t *testing.T) {
	for name, answer := range map[string]error{
		"broken connection": errors.New("broken"),
		"internal error":    apierrors.NewInternalError(errors.New("etcd is gone")),
		"time-out":          apierrors.NewTimeoutError("took too long", 0),
		"come back later":   apierrors.NewServerTimeout(configMaps, "update", 1),
		"too many requests": apierrors.NewTooManyRequests("busy", 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := server(t)
			p := opened(t, s)
			failing := answer
			s.Intercept(func(r *http.Request) error {
				if r.Method == http.MethodPut {
					return failing
				}
				return nil
			})
			err := p.Update(t.Context(), []metadata.Change{change("cluster", `1`, 0)})[0]
			if err == nil || errors.Is(err, metadata.ErrConflict) {
				t.Errorf("told %v", err)
			}
			if n := s.Requests(http.MethodPut, "configmaps"); n != 1 {
				t.Errorf("%d requests", n)
			}
			s.Intercept(nil)
			mustUpdate(t, p, change("cluster", `1`, 0))
		})
	}
}

// A proxy that repeats a request makes it conflict with itself. That is no conflict with
// anybody.
func TestRequestRepeatedOnTheWayIsStored(t *testing.T) {
	s := server(t)
	behind, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	p := open(t, fakeapi.ClientOf(t, front.URL))
	mustUpdate(t, p, change("cluster", `1`, 0))
	mustUpdate(t, p, change("cluster", `2`, 1))
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// A thousand changes that come while an object is written are one write more of it.
func TestWaitingUpdatesAreWrittenTogether(t *testing.T) {
	const updates = 1000
	s := server(t)
	p := opened(t, s)
	entered, release := make(chan struct{}, objects), make(chan struct{})
	s.Intercept(func(r *http.Request) error {
		if r.Method == http.MethodPut {
			entered <- struct{}{}
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		return nil
	})
	var wait sync.WaitGroup
	update := func(key string) {
		wait.Go(func() { mustUpdate(t, p, change(key, `1`, 0)) })
	}
	for i := range objects {
		update(keyIn(i))
	}
	for range objects { // objects are written side by side
		select {
		case <-entered:
		case <-time.After(patience):
			t.Fatal("an object's write waits for another's")
		}
	}
	for i := range updates {
		update(fmt.Sprintf("later/%d", i))
	}
	queued := func() (n int) {
		for _, o := range p.(*provider).objects {
			n += len(o.waiting)
		}
		return n
	}
	for begun := time.Now(); queued() < updates && time.Since(begun) < patience; {
		time.Sleep(time.Millisecond)
	}
	s.Intercept(nil)
	close(release)
	wait.Wait()
	if n := s.Requests(http.MethodPut, "configmaps"); n > 2*objects {
		t.Errorf("%d writes", n)
	}
	if all, err := p.List(t.Context(), "later/"); err != nil || len(all) != updates {
		t.Errorf("%d documents, %v", len(all), err)
	}
}

// A server that does not answer holds nobody up for longer than the caller's context.
func TestSilentServerHoldsNobody(t *testing.T) {
	s := server(t)
	p := opened(t, s)
	silent := make(chan struct{})
	s.Intercept(func(r *http.Request) error {
		select {
		case <-silent:
		case <-r.Context().Done():
		}
		return errors.New("gone")
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	calls := map[string]func() error{
		"update": func() error { return p.Update(ctx, []metadata.Change{change("cluster", `1`, 0)})[0] },
		"read":   func() error { _, err := p.Read(ctx, []string{"cluster"}); return err },
		"list":   func() error { _, err := p.List(ctx, ""); return err },
		"lease":  func() error { return p.WriteLease(ctx, metadata.Lease{Holder: "a"}, 0) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(silent)
	s.Intercept(nil)
	for begun := time.Now(); ; {
		err := p.Update(t.Context(), []metadata.Change{change("cluster", `1`, 0)})[0]
		if err == nil {
			break
		}
		if time.Since(begun) > patience {
			t.Fatal(err)
		}
	}
}

// Watches that expire, end or break are begun again, and the lease's changes told.
func TestLeaseIsToldAfterItsWatchEnds(t *testing.T) {
	s := server(t)
	holder, waiter := opened(t, s), opened(t, s)
	ends := []func(){
		func() { s.EndWatches(apierrors.NewResourceExpired("too old")) },
		func() { s.EndWatches(nil) },
		func() { s.EndWatches(apierrors.NewInternalError(errors.New("etcd is gone"))) },
	}
	for version, end := range ends {
		awaitWatches(t, s, 2)
		end()
		awaitWatches(t, s, 2)
		drain(waiter)
		if err := holder.WriteLease(t.Context(), metadata.Lease{Holder: "a"}, int64(version)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-waiter.LeaseChanged():
		case <-time.After(patience):
			t.Fatal("the change was not told")
		}
	}
}

func awaitWatches(t *testing.T, s *fakeapi.Server, n int) {
	t.Helper()
	for begun := time.Now(); s.Watches("leases") < n; time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("%d watches", s.Watches("leases"))
		}
	}
}

// drain takes what was told before.
func drain(p metadata.Provider) {
	for {
		select {
		case <-p.LeaseChanged():
		case <-time.After(10 * time.Millisecond):
			return
		}
	}
}

// What would come near the API server's limit is refused before it is sent, and what
// fits is stored beside it.
func TestFullObjectRefusesBeforeTheLimit(t *testing.T) {
	s := server(t)
	p := opened(t, s)
	random := rand.New(rand.NewPCG(1, 2))
	bulk := func() string { // which does not compress well
		text := make([]byte, 700<<10)
		for i := range text {
			text[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[random.IntN(64)]
		}
		return `"` + string(text) + `"`
	}
	keys := keysIn(1, 3)
	first, second, small := keys[0], keys[1], keys[2]
	mustUpdate(t, p, change(first, bulk(), 0))
	writes := s.Requests(http.MethodPut, "configmaps")
	errs := p.Update(t.Context(), []metadata.Change{change(second, bulk(), 0), change(small, `1`, 0), change("gone", `1`, 7)})
	if err := errs[0]; err == nil || !strings.Contains(err.Error(), "would become too large") || !strings.Contains(err.Error(), "of at most 983040") ||
		!strings.Contains(err.Error(), "ConfigMap status-1 in namespace here") {
		t.Errorf("too large: %v", err)
	}
	if errs[1] != nil || !errors.Is(errs[2], metadata.ErrConflict) {
		t.Errorf("beside it: %v", errs[1:])
	}
	if n := s.Requests(http.MethodPut, "configmaps") - writes; n != 1 {
		t.Errorf("%d writes", n)
	}
	// What is deleted makes room.
	mustUpdate(t, p, change(first, "", 1), change(second, bulk(), 0))
	if c, _ := s.Get("configmaps", fakeapi.Namespace, status+"-1").(*corev1.ConfigMap); dataBytes(c) > MaxObjectBytes {
		t.Errorf("%d bytes", dataBytes(c))
	}
}
