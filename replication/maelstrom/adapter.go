package maelstrom

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/maelstrom/overlay"
	"github.com/ostraka-db/ostraka/server/storage"
)

// Config is what a node is told. All fields must be set, but for TraceDir and TrimEvery.
type Config struct {
	// DataDir keeps the node's state. It is made if it is missing.
	DataDir string
	// TraceDir, if set, is an existing directory to which the node writes a trace of
	// every step of its core, in the format of package trace.
	TraceDir string
	// RequestTimeout is when a client's request is answered at the latest.
	RequestTimeout time.Duration
	// TrimEvery is after how many applied entries the log is trimmed, down to as
	// many. Zero, which is the default, is never.
	TrimEvery int
	Options   replication.Options
	Logger    *slog.Logger
	Stdin     io.Reader
	Stdout    io.Writer
}

// maxMail bounds the loop's mailbox.
const maxMail = 8192

// adapter is a node: Maelstrom's side, in which each message has a goroutine, and
// the loop, in which everything happens.
type adapter struct {
	config  Config
	wire    *jepsen.Node
	clock   *clock
	disk    *storage.Disk
	run     replication.RunID
	mailbox chan mail
	// inits takes the init message; ready is closed when the loop runs.
	inits chan struct{}
	ready chan struct{}
	stop  chan struct{}

	lastID      atomic.Uint64
	initialized atomic.Bool
	lost        atomic.Uint64
}

// Run runs a node until its standard input ends, or the context does. An error
// means that it cannot go on; what it promised is on its disk. A reader of
// standard input that is still blocked then is left behind, for the process to
// take with it.
func Run(ctx context.Context, config Config) error {
	if err := config.validate(); err != nil {
		return err
	}
	// Maelstrom's package logs every message, and knows no other logger.
	log.SetOutput(io.Discard)
	disk, err := storage.Open(diskOptions(config))
	if err != nil {
		return err
	}
	return errors.Join(newAdapter(config, disk).work(ctx), disk.Close())
}

func newAdapter(config Config, disk *storage.Disk) *adapter {
	a := &adapter{
		config: config, wire: jepsen.NewNode(), clock: newClock(), disk: disk,
		run: disk.Log().Run(), mailbox: make(chan mail, maxMail),
		inits: make(chan struct{}, 1), ready: make(chan struct{}), stop: make(chan struct{}),
	}
	a.wire.Stdin, a.wire.Stdout = config.Stdin, config.Stdout
	a.handle()
	return a
}

func (c *Config) validate() error {
	if err := c.Options.Validate(); err != nil {
		return err
	}
	if c.RequestTimeout <= 0 {
		return fmt.Errorf("the request timeout is %v: must be above zero", c.RequestTimeout)
	}
	if c.TrimEvery < 0 {
		return fmt.Errorf("the log is to be trimmed every %d entries: must not be below zero", c.TrimEvery)
	}
	return nil
}

// work runs the two sides until one of them ends.
func (a *adapter) work(ctx context.Context) error {
	input, looped := make(chan error, 1), make(chan error, 1)
	go func() { input <- a.wire.Run() }()
	go func() { looped <- a.loop() }()
	var err error
	select {
	case err = <-looped:
		close(a.stop)
		return err
	case err = <-input:
		if err != nil {
			err = fmt.Errorf("read standard input: %w", err)
		}
	case <-ctx.Done():
	}
	close(a.stop)
	return errors.Join(err, <-looped)
}

// loop waits for init, and then runs the loop.
func (a *adapter) loop() error {
	select {
	case <-a.stop:
		return nil
	case <-a.inits:
	}
	l, err := a.newLoop()
	if err != nil {
		return err
	}
	close(a.ready)
	err = l.run(a.stop)
	if l.recording != nil {
		err = errors.Join(err, l.recording.Close())
	}
	return err
}

// newLoop puts the node together, with the name that it has been given.
func (a *adapter) newLoop() (*loop, error) {
	var servers []replication.ServerID
	for _, id := range a.wire.NodeIDs() {
		servers = append(servers, replication.ServerID(id))
	}
	self := replication.Server{
		ID: replication.ServerID(a.wire.ID()), Run: a.run, Incarnation: a.disk.Log().Incarnation(),
	}
	options := &a.config.Options
	logger := a.config.Logger.With("node", self.ID)
	l := &loop{
		clock: a.clock, disk: a.disk, logger: logger,
		mailbox: a.mailbox, trimEvery: a.config.TrimEvery,
	}
	l.transport = &transport{
		self: self.ID, clock: a.clock, line: a.wire.Send, logger: logger,
		router: overlay.New(self.ID, servers, uint64(self.Run), a.clock.now().Mono, overlayOptions(*options)),
	}
	l.store = &store{
		clock: a.clock, within: options.StoreWithin, logger: logger, ask: a.askStore,
		done: func(shard replication.ShardID, event replication.Event) {
			l.completed = append(l.completed, storage.Completion{Shard: shard, Event: event})
		},
		texts: map[replication.ShardID]storedText{},
	}
	found, hosted, err := a.recovered()
	if err != nil {
		return nil, err
	}
	tracer := newTracer(logger)
	if a.config.TraceDir != "" {
		r, file, err := openRecorder(a.config.TraceDir, self, tracer)
		if err != nil {
			return nil, err
		}
		r.writer.Open(self.ID, self.Run, shardID, found)
		l.recording, tracer = file, r
	}
	l.node = replication.NewNode(self, options, servers, replication.Ports{
		Transport: l.transport, Log: a.disk.Log(), StateMachine: a.disk.Machine(), Metadata: l.store, Tracer: tracer,
	})
	l.clients = &clients{
		request: l.node.Request, send: a.wire.Send, logger: logger, open: map[replication.RequestID]*operation{},
	}
	if hosted {
		l.node.Open(shardID, found)
	}
	l.node.Coordinate(shardID, servers, random())
	logger.Info("started", "run", self.Run, "incarnation", self.Incarnation, "recovered", hosted, "log", &found.History)
	return l, nil
}

// recovered returns the replica that the disk holds, or one that was deleted, and
// whether there is one.
func (a *adapter) recovered() (replication.Recovered, bool, error) {
	all, err := a.disk.Recovered()
	if err != nil {
		return replication.Recovered{}, false, err
	}
	for _, r := range all {
		if r.Shard == shardID {
			return r.Found, true, nil
		}
	}
	return replication.Recovered{}, false, nil
}

// diskOptions are what one node of a test needs: its records are few.
func diskOptions(config Config) storage.Options {
	return storage.Options{
		FS: vfs.Default, Dir: config.DataDir, CacheBytes: 4 << 20, MemTableBytes: 4 << 20, Logger: config.Logger,
	}
}

// askStore asks Maelstrom's service. An answer that does not fit into the mailbox
// is lost, and the call with it.
func (a *adapter) askStore(body any, answer func(jepsen.Message)) error {
	return a.wire.RPC(jepsen.LinKV, body, func(m jepsen.Message) error {
		a.post(func(*loop) { answer(m) })
		return nil
	})
}

// post puts something into the loop's mailbox, if there is room.
func (a *adapter) post(do mail) bool {
	select {
	case a.mailbox <- do:
		return true
	default:
		a.config.Logger.Debug("the mailbox is full", "lost", a.lost.Add(1))
		return false
	}
}

// random draws what must not be zero.
func random() uint64 {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails, says its package
		if v := binary.LittleEndian.Uint64(b[:]); v != 0 {
			return v
		}
	}
}
