package attend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// The times of a stream. A server that came back serves nobody before it was told the
// cluster's state, so that attempts are never far apart.
const (
	leastBackoff  = 10 * time.Millisecond
	mostBackoff   = 200 * time.Millisecond
	connectWithin = 2 * time.Second
	// A link that was cut without a word is noticed by these.
	keepaliveTime   = 10 * time.Second
	keepaliveWithin = 3 * time.Second
)

// maxStateBytes bounds what a server may tell of itself.
const maxStateBytes = 1 << 20

// Options are a Set's. All are required.
type Options struct {
	Credentials credentials.TransportCredentials
	// Heard is told what a server tells of itself, Lost that its stream is not there.
	Heard func(replication.ServerID, *api.ServerState)
	Lost  func(replication.ServerID, error)
}

// Set is the streams to a cluster's servers.
type Set struct {
	options Options
	newest  atomic.Pointer[api.ClusterState]

	mu      sync.Mutex // guards what follows
	servers map[replication.ServerID]*attendant
}

// NewSet returns a set without servers.
func NewSet(o Options) *Set {
	return &Set{options: o, servers: map[replication.ServerID]*attendant{}}
}

// Publish tells every server a state.
func (s *Set) Publish(state *api.ClusterState) {
	s.newest.Store(state)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.servers {
		a.signal()
	}
}

// SetServers makes streams to the servers at these addresses, and ends all others.
func (s *Set) SetServers(addresses map[replication.ServerID]string) error {
	var ended []*attendant
	var errs []error
	s.mu.Lock()
	for id, a := range s.servers {
		if addresses[id] != a.address {
			delete(s.servers, id)
			ended = append(ended, a)
		}
	}
	for id, address := range addresses {
		if s.servers[id] != nil {
			continue
		}
		a, err := s.begin(id, address)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.servers[id] = a
	}
	s.mu.Unlock()
	for _, a := range ended {
		a.end()
	}
	return errors.Join(errs...)
}

// Close ends all streams.
func (s *Set) Close() { _ = s.SetServers(nil) } // which makes none that could fail

// attendant is the stream to one server.
type attendant struct {
	set     *Set
	id      replication.ServerID
	address string
	conn    *grpc.ClientConn
	// wake is signalled when there is a newer state.
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

func (s *Set) begin(id replication.ServerID, address string) (*attendant, error) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(s.options.Credentials),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: leastBackoff, Multiplier: 2, Jitter: 0.2, MaxDelay: mostBackoff},
			MinConnectTimeout: connectWithin,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveWithin}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxStateBytes)))
	if err != nil {
		return nil, fmt.Errorf("attend server %s at %s: %w", id, address, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a := &attendant{
		set: s, id: id, address: address, conn: conn,
		wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	go a.run(ctx)
	return a, nil
}

func (a *attendant) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *attendant) end() {
	a.stop()
	<-a.done
	_ = a.conn.Close() // nothing is left on it
}

func (a *attendant) run(ctx context.Context) {
	defer close(a.done)
	wait := leastBackoff
	for ctx.Err() == nil {
		told, err := a.attend(ctx)
		if ctx.Err() != nil {
			return
		}
		a.set.options.Lost(a.id, err)
		if told {
			wait = leastBackoff
		}
		if a.conn.GetState() == connectivity.TransientFailure {
			// The connection has a back-off of its own; calls fail at once until it ends.
			a.conn.WaitForStateChange(ctx, connectivity.TransientFailure)
			continue
		}
		pause(ctx, wait+rand.N(wait))
		wait = min(2*wait, mostBackoff)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// attend keeps one stream until it breaks, which is always an error. Told says that the
// server answered.
func (a *attendant) attend(ctx context.Context) (told bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := api.NewCoordinationClient(a.conn).Attend(ctx)
	if err != nil {
		return false, fmt.Errorf("attend server %s at %s: %w", a.id, a.address, err)
	}
	broken := make(chan error, 1)
	var answered atomic.Bool
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for {
			state, err := stream.Recv()
			if err != nil {
				broken <- err
				return
			}
			answered.Store(true)
			a.set.options.Heard(a.id, state)
		}
	})
	err = a.tell(ctx, stream, broken)
	cancel()
	receiving.Wait()
	return answered.Load(), fmt.Errorf("attend server %s at %s: %w", a.id, a.address, err)
}

// tell sends each newer state until the stream breaks.
func (a *attendant) tell(ctx context.Context, stream grpc.BidiStreamingClient[api.ClusterState, api.ServerState], broken <-chan error) error {
	var sent *api.ClusterState
	for {
		if newest := a.set.newest.Load(); newest != sent {
			// The end of a stream is told by what is received.
			if err := stream.Send(newest); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			sent = newest
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case <-a.wake:
		}
	}
}
