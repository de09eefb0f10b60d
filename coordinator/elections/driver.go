package elections

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

// MaxEnvelopes bounds the envelopes that wait for the driver: a few for each of ten
// thousand shards.
const MaxEnvelopes = 1 << 16

// Options returns the core's options for a coordinator that has no rival: it need not
// wait at random for others that noticed the same. A metadata store may be slower than
// the core expects of one.
func Options() *replication.Options {
	o := replication.DefaultOptions()
	o.BackoffMost = 2 * time.Millisecond
	o.StoreWithin = 4 * time.Second
	return &o
}

// Driver drives one node.
type Driver struct {
	self    replication.Server
	options *replication.Options
	start   time.Time
	node    *replication.Node
	// held are the shards whose elections are held, for the goroutine that drives.
	held map[replication.ShardID]bool

	wake    chan struct{}
	stop    chan struct{}
	running sync.WaitGroup
	dropped atomic.Uint64

	mu sync.Mutex
	in mail
}

// mail is what has arrived.
type mail struct {
	// arrived is what the transport brought, in order.
	arrived   []arrival
	envelopes int
	completed []shards.Completion
	tasks     []func(*replication.Node)
}

// arrival is messages of servers or, if gone is set, the end of a connection to one.
type arrival struct {
	batch   []replication.Envelope
	gone    replication.ServerID
	refused bool
}

// New returns a driver that keeps what arrives until Start.
func New(self replication.Server, options *replication.Options) *Driver {
	return &Driver{
		self: self, options: options, start: time.Now(), held: map[replication.ShardID]bool{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// Start makes the node, and drives it until Close. Peers are the cluster's servers.
func (d *Driver) Start(transport replication.Transport, store replication.MetadataStore, peers []replication.ServerID) {
	d.node = replication.NewNode(d.self, d.options, peers, replication.Ports{Transport: transport, Metadata: store})
	d.running.Go(d.run)
}

// Close ends the driver, and waits for that.
func (d *Driver) Close() {
	close(d.stop)
	d.running.Wait()
}

// Deliver takes servers' messages.
func (d *Driver) Deliver(batch []replication.Envelope) {
	d.mu.Lock()
	room := min(len(batch), MaxEnvelopes-d.in.envelopes)
	if room > 0 {
		d.in.arrived = append(d.in.arrived, arrival{batch: batch[:room]})
		d.in.envelopes += room
	}
	d.mu.Unlock()
	d.dropped.Add(uint64(len(batch) - room))
	d.signal()
}

// Dropped is how many envelopes found no room.
func (d *Driver) Dropped() uint64 { return d.dropped.Load() }

// Gone takes the news that the connection to a server broke or, if it was refused, that
// its process has ended. What was delivered before is looked at before.
func (d *Driver) Gone(server replication.ServerID, refused bool) {
	d.mu.Lock()
	d.in.arrived = append(d.in.arrived, arrival{gone: server, refused: refused})
	d.mu.Unlock()
	d.signal()
}

// Complete takes answers of the store.
func (d *Driver) Complete(answers []shards.Completion) {
	d.mu.Lock()
	d.in.completed = append(d.in.completed, answers...)
	d.mu.Unlock()
	d.signal()
}

func (d *Driver) do(task func(*replication.Node)) {
	d.mu.Lock()
	d.in.tasks = append(d.in.tasks, task)
	d.mu.Unlock()
	d.signal()
}

func (d *Driver) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Driver) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-d.wake:
		case <-timer.C:
		}
		d.deal()
		_, next := d.node.Step(d.now())
		if next == replication.Never {
			timer.Stop()
			continue
		}
		timer.Reset(max(next.Sub(d.now().Mono), 0))
	}
}

// deal hands the node what has arrived.
func (d *Driver) deal() {
	d.mu.Lock()
	in := d.in
	d.in = mail{}
	d.mu.Unlock()
	for _, task := range in.tasks {
		task(d.node)
	}
	for _, c := range in.completed {
		d.node.Complete(c.Shard, c.Event)
	}
	for _, a := range in.arrived {
		switch {
		case a.gone == "":
			for _, e := range a.batch {
				d.node.Deliver(e)
			}
		case a.refused:
			d.node.PeerOver(a.gone)
		default:
			d.node.PeerGone(a.gone)
		}
	}
}

// now is the run's time. Its instants begin above zero, which means never.
func (d *Driver) now() replication.Time {
	now := time.Now()
	return replication.Time{
		Mono: replication.Instant(now.Sub(d.start) + 1), Wall: replication.Timestamp(now.UnixMilli()),
	}
}
