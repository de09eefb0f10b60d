package process

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ostraka-db/ostraka/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestProbesTellReasons(t *testing.T) {
	var ready atomic.Bool
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ostraka_test", Help: "A test."}, func() float64 { return 7 }))
	for _, profile := range []bool{false, true} {
		ready.Store(false)
		h, err := ServeHTTP(HTTPOptions{
			Address: "127.0.0.1:0", Metrics: registry, Profile: profile, Logger: quiet,
			Live: func() []string { return nil },
			Ready: func() []string {
				if ready.Load() {
					return nil
				}
				return []string{"no state yet", "no leader"}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		at := "http://" + h.Address()
		if code, body := get(t, at+"/livez"); code != 200 || body != "ok\n" {
			t.Errorf("live: %d %q", code, body)
		}
		if code, body := get(t, at+"/readyz"); code != 503 || body != "no state yet\nno leader\n" {
			t.Errorf("not ready: %d %q", code, body)
		}
		ready.Store(true)
		if code, body := get(t, at+"/readyz"); code != 200 || body != "ok\n" {
			t.Errorf("ready: %d %q", code, body)
		}
		if code, body := get(t, at+"/metrics"); code != 200 || !strings.Contains(body, "ostraka_test 7\n") {
			t.Errorf("metrics: %d %q", code, body)
		}
		if code, _ := get(t, at+"/debug/pprof/cmdline"); (code == 200) != profile {
			t.Errorf("profiles %v: %d", profile, code)
		}
		if _, err := ServeHTTP(HTTPOptions{Address: h.Address(), Metrics: registry, Logger: quiet}); err == nil || !strings.Contains(err.Error(), "name another address") {
			t.Errorf("the same address twice: %v", err)
		}
		h.Close()
	}
}

func TestHealthTellsReadiness(t *testing.T) {
	g, err := ServeGRPC("tests", "127.0.0.1:0", quiet, func(*grpc.Server) {})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	conn, err := grpc.NewClient(g.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	check := func(service string) healthpb.HealthCheckResponse_ServingStatus {
		t.Helper()
		r, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetStatus()
	}
	if s := check(""); s != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("live: %v", s)
	}
	if s := check(api.HealthReadiness); s != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("ready at first: %v", s)
	}
	g.SetReady(true)
	if s := check(api.HealthReadiness); s != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("ready: %v", s)
	}
	if _, err := ServeGRPC("tests", g.Address(), quiet, func(*grpc.Server) {}); err == nil || !strings.Contains(err.Error(), "listen for tests") {
		t.Errorf("the same address twice: %v", err)
	}
}

func TestLogLevels(t *testing.T) {
	var out bytes.Buffer
	l, _, err := NewLogger(&out, "WARN", true)
	if err != nil {
		t.Fatal(err)
	}
	l.Info("no")
	l.Warn("yes", "n", 1)
	if got := out.String(); strings.Contains(got, "no") || !strings.Contains(got, `"msg":"yes","n":1`) {
		t.Errorf("logged %s", got)
	}
	if _, _, err := NewLogger(&out, "loud", false); err == nil || !strings.Contains(err.Error(), "debug, info, warn or error") {
		t.Errorf("error is %v", err)
	}
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log says something so many times.
func (l *lines) await(t *testing.T, text string, times int) {
	t.Helper()
	for until := time.Now().Add(patience); strings.Count(l.String(), text) < times; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("the log does not say %q %d times:\n%s", text, times, l)
		}
	}
}

// patience is for what comes within milliseconds unless something is broken.
const patience = 30 * time.Second

// The level follows the file; a wrong file changes nothing, and is said to be wrong.
func TestLevelFollowsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("info")
	out := &lines{}
	logger, level, err := NewLogger(out, "info", false)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := FollowLevel(LevelFile{Path: path, Level: level, Logger: logger, Read: func() (string, bool, error) {
		text, err := os.ReadFile(path)
		first, rest, _ := strings.Cut(string(text), " ")
		return first, rest != "", err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	write("debug")
	out.await(t, "the log level is another", 1)
	if level.Level() != slog.LevelDebug {
		t.Errorf("the level is %v", level.Level())
	}
	write("loud")
	out.await(t, "refused", 1)
	if !strings.Contains(out.String(), "loud") || level.Level() != slog.LevelDebug {
		t.Errorf("after a wrong file the level is %v, and the log\n%s", level.Level(), out)
	}
	write("warn and more")
	out.await(t, "at the next start", 1)
	out.await(t, "the log level is another", 2)
	if level.Level() != slog.LevelWarn {
		t.Errorf("the level is %v", level.Level())
	}
}
