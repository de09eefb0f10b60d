package grpc

import (
	"sync"
	"sync/atomic"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/grpc/wire"
)

// laneKind is one of the three ways that envelopes go to a peer. None waits for
// another; within one, order is kept.
type laneKind uint8

const (
	laneControl laneKind = iota
	laneData
	laneSnapshots
	laneKinds
)

func (k laneKind) String() string { return [...]string{"control", "data", "snapshots"}[k] }

// laneOf tells the way of a message: what may be large goes apart from all else.
func laneOf(m replication.Message) laneKind {
	switch m.(type) {
	case replication.Append, replication.Forward, replication.ForwardReply:
		return laneData
	case replication.SnapshotChunk:
		return laneSnapshots
	}
	return laneControl
}

// lane is what waits for a peer on one of the ways, and the streams that may take
// it: one of the link that this process made, and one of the link that the peer made.
// The first is preferred.
type lane struct {
	limits   LaneLimits
	counters *laneCounters

	// mu guards all that follows. Nothing is called while it is held.
	mu sync.Mutex
	// own and accepted are the streams of the two links, nil where there is none.
	own, accepted *stream
	// hopeful is set while a stream is being made: what is sent meanwhile is kept.
	hopeful bool
	// items[head:] wait, with so many bytes.
	items []item
	head  int
	bytes int
}

// laneCounters count what all peers' lanes of one kind did.
type laneCounters struct {
	sent, sentFrames, sentBytes             atomic.Uint64
	received, receivedFrames, receivedBytes atomic.Uint64
	full, unlinked, invalid, lost           atomic.Uint64
	passed, refused                         atomic.Uint64
}

// writer is the stream that takes what waits.
func (l *lane) writer() *stream {
	if l.own != nil {
		return l.own
	}
	return l.accepted
}

// put lets envelopes wait, as far as there is room. It reports the last error of
// those that no peer would take.
func (l *lane) put(batch []replication.Envelope) error {
	var fault error
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.writer()
	if w == nil && !l.hopeful {
		l.counters.unlinked.Add(uint64(len(batch)))
		return nil
	}
	for i := range batch {
		size, err := wire.Size(&batch[i])
		switch waiting := len(l.items) - l.head; {
		case err != nil:
			l.counters.invalid.Add(1)
			fault = err
		case size > maxEnvelopeBytes:
			l.counters.invalid.Add(1)
			fault = errTooLarge
		case waiting > 0 && (waiting == l.limits.Envelopes || l.bytes+size > l.limits.Bytes):
			l.counters.full.Add(1)
		default:
			l.items = append(l.items, item{batch[i], size})
			l.bytes += size
		}
	}
	if w != nil {
		w.wakeUp()
	}
	return fault
}

// take fills a frame with what waits, if the stream is the one to take it, and
// reports whether there was anything.
func (l *lane) take(s *stream, f *outFrame) bool {
	clear(f.items)
	f.items, f.bytes = f.items[:0], 0
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writer() != s {
		return false
	}
	for l.head < len(l.items) && len(f.items) < frameEnvelopes {
		next := &l.items[l.head]
		if len(f.items) > 0 && f.bytes+next.size > frameBytes {
			break
		}
		f.items = append(f.items, *next)
		f.bytes += next.size
		*next = item{}
		l.head++
	}
	l.bytes -= f.bytes
	l.compact()
	return len(f.items) > 0
}

// compact moves what waits to the front once more than half of the room is behind
// it, so that each item is moved once on average.
func (l *lane) compact() {
	if l.head < len(l.items) && 2*l.head < cap(l.items) {
		return
	}
	kept := copy(l.items, l.items[l.head:])
	clear(l.items[kept:])
	l.items, l.head = l.items[:kept], 0
	if kept == 0 && cap(l.items) > idleItems {
		l.items = nil
	}
}

// idleItems is how much room an empty queue keeps: with many peers, the memory of
// a burst is not held for ever.
const idleItems = 256

// attach gives a stream its place, and returns the one that had it.
func (l *lane) attach(s *stream) *stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	place := l.place(s.link.own)
	before := *place
	*place = s
	s.wakeUp()
	return before
}

// detach takes a stream's place away, if it still has it. What waits is left to the
// other stream; where there is none, nobody waits for it.
func (l *lane) detach(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if place := l.place(s.link.own); *place == s {
		*place = nil
	}
	if w := l.writer(); w != nil {
		w.wakeUp()
	} else if !l.hopeful {
		l.drop()
	}
}

// hope says whether a stream of this process is being made.
func (l *lane) hope(hopeful bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hopeful = hopeful; !hopeful && l.writer() == nil {
		l.drop()
	}
}

func (l *lane) drop() {
	l.counters.unlinked.Add(uint64(len(l.items) - l.head))
	l.items, l.head, l.bytes = nil, 0, 0
}

func (l *lane) place(own bool) **stream {
	if own {
		return &l.own
	}
	return &l.accepted
}

// waiting returns how much waits.
func (l *lane) waiting() (envelopes, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.items) - l.head, l.bytes
}
