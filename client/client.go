package client

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Client is a connection to one namespace of a cluster.
type Client struct {
	conf   config
	pool   *pool
	router *router

	// ctx ends when the client is closed.
	ctx    context.Context
	cancel context.CancelFunc
	// closing guards the start of goroutines against the wait for their end.
	closing sync.RWMutex
	running sync.WaitGroup
	fanOuts chan struct{}

	toldOrder atomic.Pointer[keyspace.Order]

	mu       sync.Mutex
	shards   map[int64]*lanes
	sessions map[int64]*sessionSlot
	open     map[*Session]struct{}
}

// New makes a client of the cluster that has a server at the address, host:port. It
// waits until that server told the shard map; it fails when the context ends, or the
// request timeout, and at once if there is no such namespace.
func New(ctx context.Context, address string, options ...Option) (*Client, error) {
	conf := defaultConfig()
	for _, option := range options {
		if err := option(&conf); err != nil {
			return nil, fmt.Errorf("make a client: %w", err)
		}
	}
	if address == "" {
		return nil, fmt.Errorf("make a client: %w", &ArgumentError{"address", "is empty", "pass a server's host:port"})
	}
	c := &Client{
		conf: conf, router: newRouter(),
		fanOuts: make(chan struct{}, maxFanOuts),
		shards:  map[int64]*lanes{}, sessions: map[int64]*sessionSlot{}, open: map[*Session]struct{}{},
	}
	c.pool = newPool(&c.conf)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(ctx, conf.requestTimeout)
	defer cancel()
	if err := c.meet(ctx, address); err != nil {
		c.stop()
		return nil, fmt.Errorf("get the shard map of namespace %q from %s: %w", conf.namespace, address, err)
	}
	return c, nil
}

// Close ends the client's sessions, and with them its ephemeral records, then all that
// is under way, and waits for it. Operations that are cut off end with ErrClosed.
func (c *Client) Close() error {
	err := c.closeSessions()
	c.stop()
	return err
}

func (c *Client) stop() {
	c.closing.Lock()
	c.cancel()
	c.closing.Unlock()
	c.running.Wait()
	c.pool.close()
}

// start runs do in a goroutine that Close waits for. It reports false, and does
// nothing, if the client is closed.
func (c *Client) start(do func()) bool {
	c.closing.RLock()
	defer c.closing.RUnlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.running.Go(do)
	return true
}

// lanesOf returns the ways to a shard, nil if the client is closed. They are made with
// the first operation and live as long as the client.
func (c *Client) lanesOf(id int64) *lanes {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.shards[id]; found != nil {
		return found
	}
	l := newLanes(c, id)
	if !c.start(l.writes.run) || !c.start(l.named.run) || !c.start(l.reads.run) {
		return nil
	}
	c.shards[id] = l
	return l
}

func formatShard(id int64) string { return strconv.FormatInt(id, 10) }
