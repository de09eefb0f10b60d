package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The limits of an HTTP endpoint.
const (
	readHeaderWithin = 5 * time.Second
	readWithin       = 10 * time.Second
	// writeWithin is long enough for a profile of a minute.
	writeWithin    = 90 * time.Second
	idleFor        = 2 * time.Minute
	maxHeaderBytes = 64 << 10
	maxScrapes     = 4
	closeWithin    = 5 * time.Second
)

// HTTPOptions are what an endpoint serves. All but Profile are required.
type HTTPOptions struct {
	// Address is host:port; port 0 takes any that is free.
	Address string
	Metrics prometheus.Gatherer
	// Live and Ready return why the process is not live, or not ready; nothing if it
	// is.
	Live, Ready func() []string
	// Profile serves /debug/pprof too.
	Profile bool
	Logger  *slog.Logger
}

// HTTP is an endpoint that is served.
type HTTP struct {
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
}

// ServeHTTP listens, and serves until Close.
func ServeHTTP(o HTTPOptions) (*HTTP, error) {
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w; name another address, or free this one", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.HandleFunc("GET /livez", probe(o.Live))
	mux.HandleFunc("GET /readyz", probe(o.Ready))
	if o.Profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	h := &HTTP{listener: listener, server: &http.Server{
		Handler: mux, ReadHeaderTimeout: readHeaderWithin, ReadTimeout: readWithin, WriteTimeout: writeWithin,
		IdleTimeout: idleFor, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}}
	h.serving.Go(func() {
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Logger.Error("metrics and probes are served no more", "error", err)
		}
	})
	return h, nil
}

// Address is where the endpoint listens.
func (h *HTTP) Address() string { return h.listener.Addr().String() }

// Close ends the endpoint: requests under way end, or are cut off.
func (h *HTTP) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		_ = h.server.Close() // what is left is cut off
	}
	h.serving.Wait()
}

func probe(reasons func() []string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		text := "ok\n"
		if why := reasons(); len(why) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			text = strings.Join(why, "\n") + "\n"
		}
		_, _ = w.Write([]byte(text)) // nobody is left to be told of an error
	}
}
