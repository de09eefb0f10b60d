package raft

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// Member is one member of the cluster. It implements metadata.Provider.
type Member struct {
	options Options
	disk    *disk.Disk
	content *disk.Content // what the directory had; nil once the loop has taken it over
	state   *state.State

	updates chan *update
	leases  chan *update
	reads   chan *read
	inbox   chan *pb.Message
	events  chan event
	failed  chan error
	changed chan struct{}

	// closing is closed first when the member closes; ctx is done once it has ended its
	// part, and links are not needed any more.
	closing chan struct{}
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	// over is closed when the loop has ended, and nobody answers calls any more.
	over     chan struct{}
	identity atomic.Pointer[api.RaftIdentity]
	peers    map[string]*peer
	server   *grpc.Server

	mu sync.Mutex // guards what follows
	// why is what keeps calls from being answered at present; nil if nothing is known to.
	why error
	// leader is who leads, 0 if nobody is known to.
	leader uint64
}

// Open opens a member, and lets it take part. It returns before the cluster has formed:
// calls wait for that.
func Open(o Options) (*Member, error) {
	if err := o.prepare(); err != nil {
		return nil, err
	}
	m := &Member{
		options: o,
		updates: make(chan *update), leases: make(chan *update), reads: make(chan *read),
		inbox: make(chan *pb.Message, maxInbox), events: make(chan event, maxEvents),
		failed: make(chan error, 1), changed: make(chan struct{}, 1), over: make(chan struct{}), closing: make(chan struct{}),
		peers: map[string]*peer{},
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	opened, content, err := disk.Open(disk.Options{FS: o.fs, Dir: o.Dir, Address: o.Address, Failed: m.fail, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	m.disk, m.content, m.state = opened, content, content.State
	m.identity.Store(opened.Identity())
	for _, address := range o.Bootstrap {
		if address != o.Address {
			m.peers[address] = newPeer(m, address)
		}
	}
	if err = m.sameBootstrap(); err == nil {
		err = m.serve()
	}
	if err != nil {
		m.stop()
		return nil, errors.Join(err, opened.Close())
	}
	for _, p := range m.peers {
		m.running.Go(p.run)
	}
	m.running.Go(m.run)
	return m, nil
}

// fail ends the member: it cannot go on, and all calls are told why.
func (m *Member) fail(err error) {
	select {
	case m.failed <- err:
	default: // one reason is enough
	}
}

// run forms the cluster, if that is still to be done, and then takes part in it.
func (m *Member) run() {
	defer close(m.over)
	err := m.form()
	if err == nil && m.identity.Load().Cluster != 0 {
		err = m.takePart()
	}
	if err != nil {
		m.options.Logger.Error("the member of the metadata store has stopped", "address", m.options.Address, "error", err)
	} else {
		err = errors.New("the metadata store is closed")
	}
	m.because(err)
}

// because notes what keeps calls from being answered.
func (m *Member) because(err error) {
	m.mu.Lock()
	m.why = err
	m.mu.Unlock()
}

// reason is the error of a call that was not answered.
func (m *Member) reason(what string, err error) error {
	m.mu.Lock()
	why := m.why
	m.mu.Unlock()
	if why != nil {
		return fmt.Errorf("%s: %w: %w", what, err, why)
	}
	return fmt.Errorf("%s: %w", what, err)
}

var errOver = errors.New("this member of the metadata store does not take part any more")

// Leader returns the address of the member that leads in Raft; empty if nobody is known
// to. It is of no account for calls, which any member answers.
func (m *Member) Leader() string {
	m.mu.Lock()
	leader := m.leader
	m.mu.Unlock()
	members, _ := m.state.Members()
	return members[leader]
}

// Close implements metadata.Provider. A member that leads lets another lead first.
func (m *Member) Close() error {
	close(m.closing)
	<-m.over
	m.stop()
	m.server.Stop()
	m.running.Wait()
	return m.disk.Close()
}

// Read implements metadata.Provider.
func (m *Member) Read(ctx context.Context, keys []string) (map[string]metadata.Document, error) {
	if err := m.confirm(ctx, "read documents"); err != nil {
		return nil, err
	}
	return m.state.Read(keys), nil
}

// List implements metadata.Provider.
func (m *Member) List(ctx context.Context, prefix string) (map[string]metadata.Document, error) {
	if err := m.confirm(ctx, "list documents"); err != nil {
		return nil, err
	}
	return m.state.List(prefix), nil
}

// ReadLease implements metadata.Provider.
func (m *Member) ReadLease(ctx context.Context) (metadata.Lease, int64, error) {
	if err := m.confirm(ctx, "read the lease"); err != nil {
		return metadata.Lease{}, 0, err
	}
	lease, version := m.state.Lease()
	return lease, version, nil
}

// LeaseChanged implements metadata.Provider.
func (m *Member) LeaseChanged() <-chan struct{} { return m.changed }

// confirm returns once the state has everything that was stored before the call.
func (m *Member) confirm(ctx context.Context, what string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	r := &read{ctx: ctx, done: make(chan struct{})}
	if err := hand(m, ctx, m.reads, r); err != nil {
		return m.reason(what, err)
	}
	if err := await(m, ctx, r.done); err != nil {
		return m.reason(what, err)
	}
	return nil
}

// hand gives something to the loop.
func hand[T any](m *Member, ctx context.Context, to chan<- T, one T) error {
	select {
	case to <- one:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-m.over:
		return errOver
	}
}

// await waits until the loop has done what it was given.
func await(m *Member, ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-m.over:
		return errOver
	}
}

// Update implements metadata.Provider.
func (m *Member) Update(ctx context.Context, changes []metadata.Change) []error {
	const what = "store documents"
	if err := ctx.Err(); err != nil {
		return metadata.Failed(len(changes), fmt.Errorf("%s: %w", what, err))
	}
	u := newUpdate(ctx, len(changes))
	for i, c := range changes {
		if u.errs[i] = c.Check(); u.errs[i] == nil {
			c.Value = bytes.Clone(c.Value)
			u.pieces = append(u.pieces, piece{of: u, at: i, change: c})
		}
	}
	u.left = len(u.pieces)
	if u.left == 0 {
		return u.errs
	}
	err := hand(m, ctx, m.updates, u)
	if err == nil {
		err = await(m, ctx, u.done)
	}
	if err != nil {
		// What became of them is known to the loop at best, which goes on.
		return metadata.Failed(len(changes), m.reason(what, err))
	}
	return u.errs
}

// WriteLease implements metadata.Provider.
func (m *Member) WriteLease(ctx context.Context, lease metadata.Lease, version int64) error {
	const what = "write the lease"
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	u := newUpdate(ctx, 1)
	u.pieces, u.left = []piece{{of: u, lease: &leaseChange{lease, version}}}, 1
	err := hand(m, ctx, m.leases, u)
	if err == nil {
		err = await(m, ctx, u.done)
	}
	if err != nil {
		return m.reason(what, err)
	}
	return u.errs[0]
}
