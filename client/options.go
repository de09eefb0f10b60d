package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Limits of a client that are not options.
const (
	// maxQueuedOperations bounds the operations that wait for one shard, of each kind
	// of lane (streamed writes, writes with names, reads), besides the batch that is
	// being filled.
	maxQueuedOperations = 4096
	// maxReadsInFlight bounds the batches of reads of one shard that are on their way.
	maxReadsInFlight = 8
	// maxNamedInFlight bounds the named requests to one shard that are on their way. A
	// shard remembers the answers of 1024.
	maxNamedInFlight = 16
	// maxFanOuts bounds the asynchronous operations on all shards, and those that wait
	// for a session, that are under way at once.
	maxFanOuts = 1024
	// leaderGrace is how long, after a shard's leadership moved, a write that was sent
	// to the old leader is left to be answered by it.
	leaderGrace = 100 * time.Millisecond
)

// config is what options set.
type config struct {
	namespace      string
	identity       string
	requestTimeout time.Duration
	linger         time.Duration
	maxBatchBytes  int
	maxBatchOps    int
	maxInFlight    int
	exactlyOnce    bool
	sessionTimeout time.Duration
	sessionLost    func(SessionLost)
	order          *keyspace.Order
	tls            *tls.Config
	token          func(context.Context) (string, error)
	dialOptions    []grpc.DialOption
}

func defaultConfig() config {
	return config{
		namespace:      api.DefaultNamespace,
		requestTimeout: api.DefaultRequestTimeout,
		maxBatchBytes:  api.DefaultMaxBatchBytes,
		maxBatchOps:    api.DefaultMaxBatchRequests,
		maxInFlight:    4,
		sessionTimeout: api.DefaultSessionTimeout,
	}
}

// Option sets something of a client when it is made.
type Option func(*config) error

// WithNamespace chooses the namespace of all operations. The default is "default".
func WithNamespace(name string) Option {
	return func(c *config) error {
		if name == "" {
			return &ArgumentError{"WithNamespace", "is empty", "leave it out for the default namespace"}
		}
		c.namespace = name
		return nil
	}
}

// WithIdentity names this client in the versions of the records that it writes and in
// its sessions. The default is no name.
func WithIdentity(identity string) Option {
	return func(c *config) error {
		c.identity = identity
		return checkText("WithIdentity", identity, maxIdentityBytes)
	}
}

// WithRequestTimeout bounds every operation whose context does not end earlier. The
// default is 30 seconds.
func WithRequestTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.requestTimeout = d
		return positive("WithRequestTimeout", d)
	}
}

// WithBatchLinger lets a batch that is not full wait for more operations, this long
// after its first. The default is 0: a batch leaves as soon as its shard can take one,
// and operations gather only while it cannot.
func WithBatchLinger(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return &ArgumentError{"WithBatchLinger", "is " + d.String(), "pass 0 or more"}
		}
		c.linger = d
		return nil
	}
}

// WithMaxBatch bounds a batch: its bytes, and its operations. One operation that is
// larger is a batch by itself. The defaults are 128 KiB and 1000.
func WithMaxBatch(bytes, operations int) Option {
	return func(c *config) error {
		if bytes < 1 || operations < 1 || operations > maxOperations {
			return &ArgumentError{"WithMaxBatch", fmt.Sprintf("is %d bytes and %d operations", bytes, operations),
				fmt.Sprintf("pass at least 1 of each, and at most %d operations", maxOperations)}
		}
		c.maxBatchBytes, c.maxBatchOps = bytes, operations
		return nil
	}
}

// WithMaxInFlight bounds the batches of writes to one shard that are on their way at
// once. The default is 4; 1 makes the largest batches.
func WithMaxInFlight(batches int) Option {
	return func(c *config) error {
		if batches < 1 || batches > 1024 {
			return &ArgumentError{"WithMaxInFlight", fmt.Sprintf("is %d", batches), "pass a number from 1 to 1024"}
		}
		c.maxInFlight = batches
		return nil
	}
}

// WithExactlyOnce makes ExactlyOnce the default of every write and transaction.
func WithExactlyOnce() Option {
	return func(c *config) error { c.exactlyOnce = true; return nil }
}

// WithSessionTimeout sets after how long without a word from this client its sessions
// end: between 2 seconds and 5 minutes. The default is 15 seconds.
func WithSessionTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.sessionTimeout = d
		return checkSessionTimeout("WithSessionTimeout", d)
	}
}

// WithSessionLost has f called for each session that is lost, in a goroutine of its
// own: its ephemeral records are gone, or will be. Close does not lose sessions; it
// waits for f.
func WithSessionLost(f func(SessionLost)) Option {
	return func(c *config) error { c.sessionLost = f; return nil }
}

// WithKeyOrder says in which order the servers keep the namespace's keys, by the names
// of the cluster's configuration: "hierarchical" or "natural". It is needed only with
// servers that do not tell it by themselves, and then where the order is natural.
func WithKeyOrder(name string) Option {
	return func(c *config) error {
		order, known := orderNamed(name)
		if !known {
			return &ArgumentError{"WithKeyOrder", fmt.Sprintf("is %q", name),
				fmt.Sprintf("pass %q or %q", api.KeySortingHierarchical, api.KeySortingNatural)}
		}
		c.order = &order
		return nil
	}
}

// WithTLS makes all connections by TLS. Without it those to addresses that begin with
// tls:// are, by the system's certificates.
func WithTLS(conf *tls.Config) Option {
	return func(c *config) error {
		if conf == nil {
			return &ArgumentError{"WithTLS", "is nil", "pass a configuration, which may be empty"}
		}
		c.tls = conf
		return nil
	}
}

// WithToken sends what the function returns with each call, as a bearer token. It is
// called for every call and stream, by many goroutines at once.
func WithToken(token func(context.Context) (string, error)) Option {
	return func(c *config) error { c.token = token; return nil }
}

// WithDialOptions adds options of gRPC to every connection: interceptors, a dialer.
// They come last, and so prevail.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(c *config) error { c.dialOptions = append(c.dialOptions, options...); return nil }
}

func positive(field string, d time.Duration) error {
	if d > 0 {
		return nil
	}
	return &ArgumentError{field, "is " + d.String(), "pass more than 0"}
}

func checkSessionTimeout(field string, d time.Duration) error {
	if d >= api.MinSessionTimeout && d <= api.MaxSessionTimeout {
		return nil
	}
	return &ArgumentError{field, "is " + d.String(),
		fmt.Sprintf("pass from %s to %s", api.MinSessionTimeout, api.MaxSessionTimeout)}
}

// orderNamed returns the order of a name in configurations and headers.
func orderNamed(name string) (keyspace.Order, bool) {
	switch name {
	case api.KeySortingNatural:
		return keyspace.Natural, true
	case api.KeySortingHierarchical:
		return keyspace.Hierarchical, true
	}
	return 0, false
}
