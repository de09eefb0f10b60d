package fakeapi

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/ostraka-db/ostraka/coordinator/kube"
)

// Namespace is the one of a test's clients.
const Namespace = "here"

// Client returns a client of the server, as a kubeconfig describes it.
func (s *Server) Client(t testing.TB) *kube.Client {
	t.Helper()
	return ClientOf(t, s.URL())
}

// ClientOf returns a client of whatever server is at a URL.
func ClientOf(t testing.TB, url string) *kube.Client {
	t.Helper()
	client, err := kube.Connect(kube.Options{Kubeconfig: Kubeconfig(t, url), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Kubeconfig writes a kubeconfig of the server at a URL, and returns its path.
func Kubeconfig(t testing.TB, url string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: %s}}]
current-context: x
`, url, Namespace)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Doomed returns a client whose process dies: of what it asks to be changed, a number of
// steps come about. The first step of a request is that the server does what is asked, the
// second that the client is told. After the last step nothing is served.
func (s *Server) Doomed(t testing.TB, steps int) *kube.Client {
	t.Helper()
	var left atomic.Int64
	left.Store(int64(steps))
	step := func() {
		if left.Add(-1) < 0 {
			panic(http.ErrAbortHandler)
		}
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if left.Load() < 0 {
				panic(http.ErrAbortHandler)
			}
			s.serve(w, r)
			return
		}
		step()
		answer := httptest.NewRecorder()
		s.serve(answer, r)
		step()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // who does not listen any more misses it
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	return ClientOf(t, front.URL)
}
