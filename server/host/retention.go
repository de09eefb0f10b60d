package host

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// keepLog looks from time to time through the log for what it may let go, and more
// often while its disk is low on room.
func (h *Host) keepLog() {
	every := retentionEvery
	timer := time.NewTimer(every)
	defer timer.Stop()
	for h.waitsUntil(timer) {
		low := h.disk.Log().Low()
		if err := h.retain(low); err != nil {
			h.fail(fmt.Errorf("keep the log within its limits: %w", err))
			return
		}
		every = retentionEvery
		if low {
			every = retentionLowEvery
		}
		timer.Reset(every)
	}
}

func (h *Host) waitsUntil(timer *time.Timer) bool {
	select {
	case <-h.stop:
		return false
	case <-timer.C:
		return true
	}
}

// retain lets shards trim what is beyond the limits, as far as it is flushed, and
// flushes what stands in the way of that. On a disk that is low, everything goes
// that is flushed and not in the last segment.
func (h *Host) retain(low bool) error {
	limits := h.limits
	if low {
		limits.Bytes = 1
	}
	plan, err := h.plan(limits)
	if err != nil {
		return err
	}
	if plan.Flush {
		if err := h.disk.Flush(); err != nil {
			return err
		}
		if plan, err = h.plan(limits); err != nil {
			return err
		}
	}
	if len(plan.Trims) > 0 {
		h.mail.put(func(m *mail) {
			m.tasks = append(m.tasks, func(l *loop) {
				for _, t := range plan.Trims {
					l.node.Trim(t.Shard, t.To)
				}
			})
		})
	}
	return nil
}

// plan decides by what the log holds now.
func (h *Host) plan(limits wal.Limits) (wal.Retention, error) {
	usage := h.disk.Log().Usage()
	flushed := make([]wal.Flushed, 0, len(usage.Shards))
	for _, s := range usage.Shards {
		var applied replication.EntryID
		err := h.Peek(s.Shard, func(*kv.DB) error {
			var err error
			applied, err = h.disk.Flushed(s.Shard)
			return err
		})
		if isDamage(err) {
			continue // the shard keeps everything, and is repaired
		}
		if err != nil {
			return wal.Retention{}, err
		}
		flushed = append(flushed, wal.Flushed{Shard: s.Shard, Applied: applied})
	}
	return wal.Retain(limits, time.Now(), usage, flushed), nil
}
