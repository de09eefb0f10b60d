package host

import (
	"sync"
	"sync/atomic"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// mailbox is what the loop has not taken yet. Envelopes and calls are bounded by
// limits.go; events are as many as the node asked for, and tasks as many as there
// are goroutines that wait for one.
type mailbox struct {
	wake chan struct{}
	// dropped counts the envelopes that found no room.
	dropped atomic.Uint64

	mu sync.Mutex
	in mail
	// bytes are about those of the envelopes.
	bytes int
	// closed says that nobody takes mail any more.
	closed bool
}

// mail is what is taken at a time.
type mail struct {
	envelopes []replication.Envelope
	gone      []goneMail
	events    []storage.Completion
	calls     []*Call
	tasks     []func(*loop)
}

// goneMail says that a peer's link broke or, if over is set, that its process ended.
type goneMail struct {
	peer replication.ServerID
	over bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put lets something be added to the mail, and wakes the loop. It reports false if
// nobody takes it any more.
func (m *mailbox) put(add func(*mail)) bool {
	m.mu.Lock()
	open := !m.closed
	if open {
		add(&m.in)
	}
	m.mu.Unlock()
	if open {
		signal(m.wake)
	}
	return open
}

// deliver takes peers' envelopes, as far as there is room.
func (m *mailbox) deliver(batch []replication.Envelope) {
	m.mu.Lock()
	taken := 0
	for _, e := range batch {
		size := sizeOf(e.Message)
		if !m.closed && len(m.in.envelopes) < maxEnvelopes && m.bytes+size <= maxEnvelopeBytes {
			m.in.envelopes = append(m.in.envelopes, e)
			m.bytes += size
			taken++
		}
	}
	m.mu.Unlock()
	m.dropped.Add(uint64(len(batch) - taken))
	if taken > 0 {
		signal(m.wake)
	}
}

// take exchanges what is there for an empty mail, whose space is used again.
func (m *mailbox) take(empty mail) mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.in
	m.in, m.bytes = empty, 0
	return taken
}

// close makes put and deliver refuse, and returns what nobody will take.
func (m *mailbox) close() mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := m.in
	m.in, m.bytes, m.closed = mail{}, 0, true
	return left
}

// depth is how much waits, for metrics.
func (m *mailbox) depth() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.in.envelopes) + len(m.in.gone) + len(m.in.events) + len(m.in.calls) + len(m.in.tasks)
}

// maxKeptMail bounds the space of a kind of mail that is kept for the next time.
const maxKeptMail = 4096

// emptied returns the mail without what was in it, and with its space.
func (m mail) emptied() mail {
	return mail{
		envelopes: emptied(m.envelopes), gone: emptied(m.gone), events: emptied(m.events),
		calls: emptied(m.calls), tasks: emptied(m.tasks),
	}
}

func emptied[T any](s []T) []T {
	if cap(s) > maxKeptMail {
		return nil
	}
	clear(s)
	return s[:0]
}

// signal wakes who waits for a channel of one place, at once or when it next looks.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// envelopeOverhead is what an envelope counts for beside what it carries.
const envelopeOverhead = 128

// sizeOf is about what a message takes.
func sizeOf(m replication.Message) int {
	size := envelopeOverhead
	switch m := m.(type) {
	case replication.Append:
		for i := range m.Entries {
			size += len(m.Entries[i].Payload) + envelopeOverhead/4
		}
	case replication.SnapshotChunk:
		size += len(m.Data)
	case replication.Forward:
		size += len(m.Body)
	}
	return size
}
