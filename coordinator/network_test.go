package coordinator

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// network carries envelopes within the process. Who leaves it is missed at once, as a
// process that ended.
type network struct {
	mu      sync.Mutex
	members map[replication.ServerID]member
}

// member is one end of the network.
type member struct {
	deliver func([]replication.Envelope)
	gone    func(replication.ServerID, bool)
}

func newNetwork() *network { return &network{members: map[replication.ServerID]member{}} }

func (n *network) join(id replication.ServerID, m member) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.members[id] = m
}

func (n *network) leave(id replication.ServerID) {
	n.mu.Lock()
	delete(n.members, id)
	var left []member
	for _, m := range n.members {
		left = append(left, m)
	}
	n.mu.Unlock()
	for _, m := range left {
		m.gone(id, true)
	}
}

// link is a member's transport.
type link struct {
	network *network
	self    replication.ServerID
}

func (l link) Send(to replication.ServerID, batch []replication.Envelope) {
	l.network.mu.Lock()
	m, there := l.network.members[to]
	_, joined := l.network.members[l.self]
	l.network.mu.Unlock()
	if there && joined {
		m.deliver(batch)
	}
}

func (l link) SetPeers(map[replication.ServerID]string) {}

func (l link) Close() { l.network.leave(l.self) }

// transport makes a coordinator's transport.
func (n *network) transport(o TransportOptions) (Transport, error) {
	n.join(o.Self.ID, member{deliver: o.Deliver, gone: o.Gone})
	return link{n, o.Self.ID}, nil
}

// pocket is a data server without a disk, a client, or anything to store: it has the
// core's replicas, and is attended.
type pocket struct {
	api.UnimplementedCoordinationServer
	id      replication.ServerID
	network *network
	node    *replication.Node
	start   time.Time
	run     replication.RunID
	server  *grpc.Server
	address string
	serving sync.WaitGroup

	wake, stop chan struct{}
	running    sync.WaitGroup
	mu         sync.Mutex
	tasks      []func()
	// done is what the log and the state machine have to say.
	done    []func()
	entries map[replication.ShardID][]replication.Entry

	told struct {
		sync.Mutex
		state *api.ClusterState
		// changed is closed when the state is next told.
		changed chan struct{}
		own     *api.ServerState
	}
}

func startPocket(t *testing.T, n *network, id replication.ServerID, run replication.RunID) *pocket {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pocket{
		id: id, network: n, run: run, start: time.Now(), server: grpc.NewServer(), address: listener.Addr().String(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), entries: map[replication.ShardID][]replication.Entry{},
	}
	p.told.changed = make(chan struct{})
	p.told.own = &api.ServerState{Server: string(id), Run: uint64(run), Incarnation: 7, Features: []string{"f"}}
	options := replication.DefaultOptions()
	self := replication.Server{ID: id, Run: run, Incarnation: 7}
	p.node = replication.NewNode(self, &options, nil, replication.Ports{
		Transport: link{n, id}, Log: pocketLog{p}, StateMachine: pocketMachine{p},
	})
	n.join(id, member{
		deliver: func(batch []replication.Envelope) {
			p.do(func() {
				for _, e := range batch {
					p.node.Deliver(e)
				}
			})
		},
		gone: func(id replication.ServerID, _ bool) {
			p.do(func() { p.node.PeerOver(id) })
		},
	})
	api.RegisterCoordinationServer(p.server, p)
	p.serving.Go(func() { _ = p.server.Serve(listener) })
	p.running.Go(p.drive)
	t.Cleanup(p.kill)
	return p
}

// kill ends the server as a killed process ends.
func (p *pocket) kill() {
	select {
	case <-p.stop:
		return
	default:
	}
	close(p.stop)
	p.running.Wait()
	p.network.leave(p.id)
	p.server.Stop()
	p.serving.Wait()
}

// replicas are the shards of which the server has a replica.
func (p *pocket) replicas() []replication.ShardID {
	answer := make(chan []replication.ShardID, 1)
	p.do(func() { answer <- p.node.Shards() })
	return <-answer
}

func (p *pocket) do(task func()) {
	p.mu.Lock()
	p.tasks = append(p.tasks, task)
	p.mu.Unlock()
	signal(p.wake)
}

func (p *pocket) drive() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-p.wake:
		case <-timer.C:
		}
		p.mu.Lock()
		tasks := p.tasks
		p.tasks = nil
		p.mu.Unlock()
		for _, task := range tasks {
			task()
		}
		var next replication.Instant
		for more := true; more; {
			_, next = p.node.Step(p.now())
			done := p.done
			p.done = nil
			for _, tell := range done {
				tell()
			}
			more = len(done) > 0
		}
		if next != replication.Never {
			timer.Reset(max(next.Sub(p.now().Mono), 0))
		}
	}
}

func (p *pocket) now() replication.Time {
	return replication.Time{Mono: replication.Instant(time.Since(p.start) + 1), Wall: 1}
}

// Attend implements api.CoordinationServer.
func (p *pocket) Attend(stream grpc.BidiStreamingServer[api.ClusterState, api.ServerState]) error {
	p.told.Lock()
	own := p.told.own
	p.told.Unlock()
	if err := stream.Send(own); err != nil {
		return err
	}
	for {
		state, err := stream.Recv()
		if err != nil {
			return err
		}
		p.told.Lock()
		if p.told.state.GetRevision() < state.GetRevision() {
			p.told.state = state
			close(p.told.changed)
			p.told.changed = make(chan struct{})
		}
		p.told.Unlock()
	}
}

// await waits until the server was told a state that a function accepts.
func (p *pocket) await(t *testing.T, accept func(*api.ClusterState) bool) *api.ClusterState {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		p.told.Lock()
		state, changed := p.told.state, p.told.changed
		p.told.Unlock()
		if state != nil && accept(state) {
			return state
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("server %s was not told what it should; it was told %v", p.id, state)
		}
	}
}

// pocketLog is durable at once, and in memory.
type pocketLog struct{ *pocket }

func (l pocketLog) Submit(shard replication.ShardID, op replication.LogOp) {
	entries := l.entries[shard]
	switch op.Kind {
	case replication.OpAppend:
		entries = append(entries, op.Entries...)
	case replication.OpTruncate:
		entries = slices.DeleteFunc(entries, func(e replication.Entry) bool { return e.ID.Offset > op.Truncate })
	case replication.OpReset, replication.OpDelete:
		entries = nil
	}
	l.entries[shard] = entries
	l.done = append(l.done, func() { l.node.Complete(shard, replication.LogDone{Sequence: op.Sequence}) })
}

func (l pocketLog) Read(shard replication.ShardID, id replication.ReadID, first replication.Offset, _ int) {
	var found []replication.Entry
	for _, e := range l.entries[shard] {
		if e.ID.Offset >= first {
			found = append(found, e)
		}
	}
	l.done = append(l.done, func() { l.node.Complete(shard, replication.EntriesRead{ID: id, Entries: found}) })
}

// pocketMachine makes nothing of entries.
type pocketMachine struct{ *pocket }

func (m pocketMachine) Apply(shard replication.ShardID, entries []replication.Entry) {
	m.done = append(m.done, func() { m.node.Complete(shard, replication.Applied{Results: make([][]byte, len(entries))}) })
}

func (m pocketMachine) Delete(shard replication.ShardID) {
	m.done = append(m.done, func() { m.node.Complete(shard, replication.Deleted{}) })
}

func (pocketMachine) Query(replication.ShardID, replication.QueryID, []byte) {}
func (pocketMachine) Export(replication.ShardID, replication.ExportAsk)      {}
func (pocketMachine) Import(replication.ShardID, replication.SnapshotPart)   {}
