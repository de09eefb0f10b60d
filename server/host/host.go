package host

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/wal"
)

// Options configure a Host. ID, Disk and Core must be set.
type Options struct {
	// ID is the server's.
	ID replication.ServerID
	// Disk holds its replicas. It stays the caller's, and is closed after the host.
	Disk *storage.Disk
	// Core are the options of the replicas. Its limits of requests are raised to
	// what the host lets through.
	Core replication.Options
	// Retention is what the log keeps for members that lag.
	Retention wal.Limits
	// Reigns is told when a replica here begins and ceases to lead, by the loop, which
	// waits for it; nobody is if it is nil.
	Reigns replication.Reigns
	// Observer is told what the host does; nobody is if it is nil.
	Observer Observer
	// Logger is told what an operator wants to know; it is dropped if nil.
	Logger *slog.Logger
}

// Observer is told what a host does, by its goroutines, which wait for it.
type Observer interface {
	// Stepped tells how long a step of the node took.
	Stepped(took time.Duration)
	// Ended tells how a call ended, and how long it took.
	Ended(kind replication.RequestKind, outcome replication.Outcome, took time.Duration)
	// Synced tells how long a sync of the log took.
	Synced(took time.Duration)
	// Applied tells of a batch of entries, how many they were and how long they took.
	Applied(entries int, took time.Duration)
}

// Host runs one server's replicas. See the package comment.
type Host struct {
	self     replication.Server
	core     replication.Options
	limits   wal.Limits
	disk     *storage.Disk
	reigns   replication.Reigns
	observer Observer
	logger   *slog.Logger

	clock   clock
	mail    *mailbox
	log     *logDriver
	state   *stateDriver
	rooms   *rooms
	gates   *gates
	notices *notices
	// calls counts those that have not ended.
	calls atomic.Int64

	stop    chan struct{}
	stopped sync.Once
	running sync.WaitGroup

	mu  sync.Mutex
	err error
}

// New returns a host that does nothing yet, but can be delivered to.
func New(o Options) (*Host, error) {
	switch {
	case o.ID == "":
		return nil, errors.New("host: Options.ID is empty: name the server")
	case o.Disk == nil:
		return nil, errors.New("host: Options.Disk is missing: open one with package storage")
	}
	o.Core.MaxRequests = max(o.Core.MaxRequests, MaxCalls)
	o.Core.MaxPending = max(o.Core.MaxPending, MaxCalls)
	o.Core.MaxReads = max(o.Core.MaxReads, MaxCalls)
	if err := o.Core.Validate(); err != nil {
		return nil, fmt.Errorf("host: Options.Core: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Reigns == nil {
		o.Reigns = nobody{}
	}
	gates := newGates()
	return &Host{
		self: replication.Server{ID: o.ID, Run: o.Disk.Log().Run(), Incarnation: o.Disk.Log().Incarnation()},
		core: o.Core, limits: o.Retention, disk: o.Disk, reigns: o.Reigns, observer: o.Observer, logger: o.Logger,
		clock: newClock(), mail: newMailbox(), log: newLogDriver(o.Disk.Log()), state: newStateDriver(gates),
		rooms: newRooms(), gates: gates, notices: newNotices(), stop: make(chan struct{}),
	}, nil
}

// Start opens the replicas that the disk holds, and begins to run them.
func (h *Host) Start(transport replication.Transport) error {
	found, err := h.disk.Recovered()
	if err != nil {
		return fmt.Errorf("recover the replicas: %w", err)
	}
	l := newLoop(h)
	l.node = replication.NewNode(h.self, &h.core, nil, replication.Ports{
		Transport: transport, Log: h.log, StateMachine: h.state, Metadata: noMetadata{}, Reigns: l,
	})
	for _, f := range found {
		l.node.Open(f.Shard, f.Found)
	}
	h.logger.Info("replicas opened", "server", h.self.ID, "run", h.self.Run,
		"incarnation", fmt.Sprintf("%016x", uint64(h.self.Incarnation)), "shards", len(found))
	for _, work := range []func(){l.run, h.syncLog, h.readLog, h.workState, h.keepLog} {
		h.running.Go(work)
	}
	return nil
}

// Close ends the host, and every call with it. It returns when its goroutines have
// ended, so that the disk may be closed.
func (h *Host) Close() {
	h.fail(nil)
	h.running.Wait()
}

// Done is closed when the host ends: by Close, or because the disk failed.
func (h *Host) Done() <-chan struct{} { return h.stop }

// Err returns why the host ended by itself; nil if it did not.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// fail ends the host, for the first reason that it is given.
func (h *Host) fail(err error) {
	h.stopped.Do(func() {
		h.mu.Lock()
		h.err = err
		h.mu.Unlock()
		close(h.stop)
		h.notices.close()
	})
}

func (h *Host) stopping() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// Self is who this server is in this run.
func (h *Host) Self() replication.Server { return h.self }

// Deliver takes peers' envelopes. It does not block; what finds no room is dropped.
func (h *Host) Deliver(batch []replication.Envelope) { h.mail.deliver(batch) }

// PeerGone says that the link to a peer broke. What that brought was delivered before.
func (h *Host) PeerGone(id replication.ServerID) {
	h.mail.put(func(m *mail) { m.gone = append(m.gone, goneMail{peer: id}) })
}

// PeerOver says that a peer's process has ended: connections to it are refused.
func (h *Host) PeerOver(id replication.ServerID) {
	h.mail.put(func(m *mail) { m.gone = append(m.gone, goneMail{peer: id, over: true}) })
}

// RemovePeer says that a server left the cluster, and holds nothing any more.
func (h *Host) RemovePeer(id replication.ServerID) {
	h.mail.put(func(m *mail) { m.tasks = append(m.tasks, func(l *loop) { l.node.RemovePeer(id) }) })
}

// Coordinators names those whom leaders ask for an election, in place of those named
// before.
func (h *Host) Coordinators(ids []replication.ServerID) {
	h.mail.put(func(m *mail) { m.tasks = append(m.tasks, func(l *loop) { l.node.Coordinators(ids) }) })
}

// Drain makes the server give its leaderships away, for good. It is done when
// Leaderships is zero, which it may never be.
func (h *Host) Drain() {
	h.mail.put(func(m *mail) { m.tasks = append(m.tasks, func(l *loop) { l.node.Drain() }) })
}

// Leaderships counts the shards that this server leads; zero when the host has ended.
func (h *Host) Leaderships() int {
	count := 0
	h.ask(func(l *loop) { count = l.node.Leaderships() })
	return count
}

// ask lets the loop do something, and waits for it. It reports false if the host
// ended instead.
func (h *Host) ask(do func(*loop)) bool {
	done := make(chan struct{})
	put := h.mail.put(func(m *mail) {
		m.tasks = append(m.tasks, func(l *loop) {
			defer close(done)
			do(l)
		})
	})
	if !put {
		return false
	}
	select {
	case <-done:
		return true
	case <-h.stop:
		// The loop may be at it: what it writes to is not to be read beside it.
		h.running.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// noMetadata stands where an election would find the shards' documents: a data server
// has none.
type noMetadata struct{}

// Load implements replication.MetadataStore.
func (noMetadata) Load(replication.ShardID) {}

// CompareAndSet implements replication.MetadataStore.
func (noMetadata) CompareAndSet(replication.ShardID, replication.Document) {}

// nobody is told, and does nothing.
type nobody struct{}

func (nobody) Stepped(time.Duration)                                             {}
func (nobody) Ended(replication.RequestKind, replication.Outcome, time.Duration) {}
func (nobody) Synced(time.Duration)                                              {}
func (nobody) Applied(int, time.Duration)                                        {}

func (nobody) Serving(replication.ShardID, replication.Term)    {}
func (nobody) NotServing(replication.ShardID, replication.Term) {}

// Queues are how much waits in a host, and what found no room.
type Queues struct {
	// Mail is what the loop has not taken, Calls what has not ended, State what the
	// state machine has not done.
	Mail, Calls, State int
	// Dropped counts the envelopes that found no room, or came while the log had none.
	Dropped uint64
}

// Queues tells how much waits.
func (h *Host) Queues() Queues {
	return Queues{
		Mail: h.mail.depth(), Calls: int(h.calls.Load()), State: h.state.depth(),
		Dropped: h.mail.dropped.Load(),
	}
}
