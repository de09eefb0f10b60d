package raft

import (
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// write is what the loop has the disk write, and how it goes on.
type write struct {
	to        disk.Write
	entries   []*pb.Entry
	responses []*pb.Message
	// snapshot and installed are set if a snapshot takes the place of everything.
	snapshot  *pb.Snapshot
	installed *state.State
}

// writer writes in a goroutine of its own, everything that waits at once.
type writer struct {
	m    *Member
	wake chan struct{}
	// done has a signal when there is something to take.
	done    chan struct{}
	stop    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex // guards what follows
	waiting []write
	written []write
}

func startWriter(m *Member) *writer {
	w := &writer{m: m, wake: make(chan struct{}, 1), done: make(chan struct{}, 1), stop: make(chan struct{})}
	w.running.Go(w.run)
	return w
}

// put gives a write to the disk, which makes those that it is given in their order.
func (w *writer) put(one write) {
	w.mu.Lock()
	w.waiting = append(w.waiting, one)
	w.mu.Unlock()
	signal(w.wake)
}

// full reports whether the disk does not keep up.
func (w *writer) full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting) >= maxWrites
}

// take returns what was written since the last call.
func (w *writer) take() []write {
	w.mu.Lock()
	defer w.mu.Unlock()
	written := w.written
	w.written = nil
	return written
}

// end waits until all that was put is written.
func (w *writer) end() {
	close(w.stop)
	w.running.Wait()
}

func (w *writer) run() {
	for {
		select {
		case <-w.wake:
			w.writeWaiting()
		case <-w.stop:
			w.writeWaiting()
			return
		}
	}
}

func (w *writer) writeWaiting() {
	w.mu.Lock()
	waiting := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	if len(waiting) == 0 || !w.m.options.alive() {
		return
	}
	writes := make([]disk.Write, len(waiting))
	for i := range waiting {
		writes[i] = waiting[i].to
	}
	if err := w.m.disk.Write(writes); err != nil {
		w.m.fail(err)
		return
	}
	w.mu.Lock()
	w.written = append(w.written, waiting...)
	w.mu.Unlock()
	signal(w.done)
}

func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // one signal is enough
	}
}
