package client

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
)

// witnessCount is how many servers the shard map is asked of at once. With one, a
// server that stops without a sign takes the news of its successors with it.
const witnessCount = 2

// lookAgain is how often a witness that finds no server of its own looks for one.
const lookAgain = time.Second

// witnesses keeps the streams of the shard map: which servers they go to.
type witnesses struct {
	c    *Client
	seed string

	mu    sync.Mutex
	asked [witnessCount]string // whom each asks now
	turn  int
	// authorities are names under which the cluster is called: those of all its servers,
	// with some among them, internal ports and the like, at which clients are not served.
	authorities []string
	useless     map[string]bool
}

// meet gets the first shard map and starts to keep it up to date.
func (c *Client) meet(ctx context.Context, address string) error {
	w := &witnesses{c: c, seed: address, useless: map[string]bool{}}
	failed := make(chan error, 1)
	known := c.router.load().superseded
	for i := range witnessCount {
		c.start(func() { w.run(i, failed) })
	}
	var last error
	for {
		select {
		case <-known:
			return nil
		case last = <-failed:
			if v := judge(0, last); v.refused && !v.again {
				return last
			}
		case <-ctx.Done():
			return late(ctx, last)
		}
	}
}

// run asks one server after another, for ever. Errors are told to failed while there
// is room: nobody listens once the client is made.
func (w *witnesses) run(i int, failed chan<- error) {
	if i > 0 {
		// The others begin when there is a map to choose from.
		select {
		case <-w.c.router.load().superseded:
		case <-w.c.ctx.Done():
			return
		}
	}
	for failures := 0; w.c.ctx.Err() == nil; {
		address, ok := w.choose(i)
		if !ok {
			// There may be another one to ask when the map has changed.
			pause(w.c.ctx, lookAgain, w.c.router.load().superseded)
			continue
		}
		began := time.Now()
		err := w.listen(i, address)
		w.c.router.forget(i)
		w.judge(address, err)
		select {
		case failed <- err:
		default:
		}
		if time.Since(began) > maxWait {
			failures = 0
		}
		failures++
		pause(w.c.ctx, backoff(failures), nil)
	}
}

// choose takes the next server that no other witness asks: the seed, those that lead
// shards, those that are known by name only. It reports false if there is none.
func (w *witnesses) choose(i int) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[i] = ""
	candidates := append([]string{w.seed}, w.c.router.servers()...)
	for _, authority := range w.authorities {
		if strings.HasPrefix(w.seed, tlsScheme) {
			authority = tlsScheme + authority
		}
		if !w.useless[authority] {
			candidates = append(candidates, authority)
		}
	}
	for range candidates {
		address := candidates[w.turn%len(candidates)]
		w.turn++
		if address != w.asked[1-i] {
			w.asked[i] = address
			return address, true
		}
	}
	return "", false
}

// judge remembers where no clients are served. Only names are passed over for that, and
// only as long as the shard map has the same ones.
func (w *witnesses) judge(address string, err error) {
	if status.Code(err) == codes.Unimplemented {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.useless[address] = true
	}
}

// note keeps the names of a shard map.
func (w *witnesses) note(authorities []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.authorities, authorities) {
		w.authorities = authorities
		clear(w.useless)
	}
}

// listen takes in what a server tells until the stream ends, and returns why it did.
func (w *witnesses) listen(i int, address string) error {
	ctx, cancel := context.WithCancel(w.c.ctx)
	defer cancel()
	conn, err := w.c.pool.get(address, forStreams)
	if err != nil {
		return err
	}
	namespace := w.c.conf.namespace
	stream, err := api.NewOxiaClientClient(conn).GetShardAssignments(ctx, &api.ShardAssignmentsRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	for {
		said, err := stream.Recv()
		if err != nil {
			return explain(err)
		}
		told, exists := said.GetNamespaces()[namespace]
		if !exists {
			return fmt.Errorf("%s told no shards of namespace %q", address, namespace)
		}
		m, err := readShardMap(told)
		if err != nil {
			return err
		}
		w.note(said.GetAllowedAuthorities())
		if disputed := w.c.router.hear(i, m); len(disputed) > 0 {
			w.c.start(func() { w.c.decide(disputed) })
		}
	}
}
