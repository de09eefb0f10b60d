package host

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/wal"
)

// logDriver syncs and reads the log, each on a goroutine of its own: while one sync
// is under way, what is submitted gathers for the next.
type logDriver struct {
	log         *wal.Log
	sync, reads chan struct{}
	// submitted and asked are set in a step of the node, and looked at after it.
	submitted, asked bool
}

func newLogDriver(log *wal.Log) *logDriver {
	return &logDriver{log: log, sync: make(chan struct{}, 1), reads: make(chan struct{}, 1)}
}

// Submit implements replication.Log.
func (d *logDriver) Submit(shard replication.ShardID, op replication.LogOp) {
	d.log.Submit(shard, op)
	d.submitted = true
}

// Read implements replication.Log.
func (d *logDriver) Read(shard replication.ShardID, id replication.ReadID, first replication.Offset, maxBytes int) {
	d.log.Read(shard, id, first, maxBytes)
	d.asked = true
}

// start begins what a step asked for.
func (d *logDriver) start() {
	if d.submitted {
		d.submitted = false
		signal(d.sync)
	}
	if d.asked {
		d.asked = false
		signal(d.reads)
	}
}

// syncLog syncs the log whenever something waits for it. A failure is final: what a
// file holds after a failed sync is known to nobody.
func (h *Host) syncLog() {
	for h.waits(h.log.sync) {
		for h.log.log.Queued() {
			began := time.Now()
			durable, err := h.log.log.Sync()
			if err != nil {
				h.fail(fmt.Errorf("sync the log: %w", err))
				return
			}
			h.observer.Synced(time.Since(began))
			h.mail.put(func(m *mail) {
				for _, d := range durable {
					m.events = append(m.events, storage.Completion{
						Shard: d.Shard, Event: replication.LogDone{Sequence: d.Sequence},
					})
				}
			})
		}
	}
}

// readLog answers what the node asks of the log.
func (h *Host) readLog() {
	for h.waits(h.log.reads) {
		answers := h.log.log.Reads()
		h.mail.put(func(m *mail) {
			for _, a := range answers {
				m.events = append(m.events, storage.Completion{Shard: a.Shard, Event: a.Read})
			}
		})
	}
}

// waits waits for a signal, and reports false if the host ends instead.
func (h *Host) waits(woken <-chan struct{}) bool {
	select {
	case <-h.stop:
		return false
	case <-woken:
		return true
	}
}
