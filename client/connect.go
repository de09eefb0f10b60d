package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
)

const (
	// tlsScheme before an address asks for TLS.
	tlsScheme = "tls://"
	// connectTimeout is how long one attempt to connect may take.
	connectTimeout = 3 * time.Second
	// idleTimeout is after how long without a call a connection is closed; the next
	// call opens it again.
	idleTimeout = 10 * time.Minute
)

// purpose keeps streams that a slow consumer reads at its own pace off the connections
// that everything else waits for.
type purpose uint8

const (
	forCalls purpose = iota
	forStreams
)

// pool has the connections, at most two to each address. They are made when they are
// first needed and live as long as the client; gRPC drops what is idle.
type pool struct {
	conf *config

	mu     sync.Mutex
	closed bool
	conns  map[connKey]*grpc.ClientConn
}

type connKey struct {
	address string
	purpose purpose
}

func newPool(conf *config) *pool { return &pool{conf: conf, conns: map[connKey]*grpc.ClientConn{}} }

// get returns the connection to a server. It does not wait for it to be up. One that
// was found dead is tried again at once: waiting is the caller's business.
func (p *pool) get(address string, use purpose) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	key := connKey{address, use}
	if conn, found := p.conns[key]; found {
		if conn.GetState() == connectivity.TransientFailure {
			conn.ResetConnectBackoff()
		}
		return conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(address, tlsScheme), p.options(address)...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	p.conns[key] = conn
	return conn, nil
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, conn := range p.conns {
		// It can only fail if it was closed before, and this is the one place.
		_ = conn.Close()
	}
}

func (p *pool) options(address string) []grpc.DialOption {
	creds := insecure.NewCredentials()
	switch {
	case p.conf.tls != nil:
		creds = credentials.NewTLS(p.conf.tls)
	case strings.HasPrefix(address, tlsScheme):
		creds = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: api.ClientKeepAlive, Timeout: api.ClientKeepAliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(api.MaxMessageBytes), grpc.MaxCallSendMsgSize(api.MaxMessageBytes)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           grpcbackoff.Config{BaseDelay: firstWait, Multiplier: 2, Jitter: 0.2, MaxDelay: maxWait},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithIdleTimeout(idleTimeout),
		// What may be repeated is decided here, by what the error proves.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
	}
	if p.conf.token != nil {
		options = append(options, grpc.WithChainUnaryInterceptor(p.authorizeCall), grpc.WithChainStreamInterceptor(p.authorizeStream))
	}
	return append(options, p.conf.dialOptions...)
}

func (p *pool) authorize(ctx context.Context) (context.Context, error) {
	token, err := p.conf.token(ctx)
	if err != nil {
		return nil, fmt.Errorf("get the token: %w", err)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}

func (p *pool) authorizeCall(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	ctx, err := p.authorize(ctx)
	if err != nil {
		return err
	}
	return invoke(ctx, method, req, reply, conn, options...)
}

func (p *pool) authorizeStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	ctx, err := p.authorize(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, desc, conn, method, options...)
}
