package grpc

import (
	"sync/atomic"
	"testing"

	"github.com/ostraka-db/ostraka/replication"
)

// receiver counts what arrives, and lets the sender wait for it.
type receiver struct {
	arrived atomic.Int64
	news    chan struct{}
}

func (r *receiver) deliver(batch []replication.Envelope) {
	r.arrived.Add(int64(len(batch)))
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// await waits until so many have arrived.
func (r *receiver) await(count int64) {
	for r.arrived.Load() < count {
		<-r.news
	}
}

// BenchmarkSend sends envelopes from one process to another over loopback, with a
// window of them under way, in batches as steps of a node make them.
func BenchmarkSend(b *testing.B) {
	term := replication.TermID{Term: 3, Election: 1 << 60}
	anAppend := func(entries, size int) replication.Message {
		m := replication.Append{Term: term, Prev: replication.EntryID{Term: 3, Offset: 1 << 20}, Commit: 1 << 20}
		for i := range entries {
			m.Entries = append(m.Entries, replication.Entry{
				ID:        replication.EntryID{Term: 3, Offset: 1<<20 + 1 + replication.Offset(i)},
				Timestamp: 1_790_000_000_000, Payload: make([]byte, size),
			})
		}
		return m
	}
	for _, c := range []struct {
		name           string
		message        replication.Message
		batch, window  int
		bytesOfMessage int64
	}{
		{"ack-alone", replication.Ack{Term: term, Match: 1 << 20, Commit: 1 << 20}, 1, 1, 0},
		{"ack-batches-of-100", replication.Ack{Term: term, Match: 1 << 20, Commit: 1 << 20}, 100, 10_000, 0},
		{"append-1x200", anAppend(1, 200), 10, 1000, 200},
		{"append-100x200", anAppend(100, 200), 1, 100, 100 * 200},
		{"append-4x256K", anAppend(4, 256<<10), 1, 8, 4 * 256 << 10},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := &receiver{news: make(chan struct{}, 1)}
			to := start(b, "b", 1, func(o *Options) { o.Deliver = r.deliver })
			from := start(b, "a", 1, nil)
			from.knows(to)
			from.until("there is a link", func() bool { return from.transport.Stats().Links == 1 })
			batch := make([]replication.Envelope, c.batch)
			for i := range batch {
				batch[i] = replication.Envelope{
					From: "a", FromRun: 1, To: "b", Shard: replication.ShardID(i), FromReplica: 1, ToReplica: 2, Message: c.message,
				}
			}
			b.SetBytes(c.bytesOfMessage * int64(c.batch))
			b.ReportAllocs()
			sent := int64(0)
			for b.Loop() {
				r.await(sent - int64(c.window-c.batch))
				from.transport.Send("b", batch)
				sent += int64(c.batch)
			}
			r.await(sent)
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "envelopes/s")
			if s := from.transport.Stats(); s.Control.DroppedFull+s.Data.DroppedFull > 0 {
				b.Errorf("dropped: %+v", s)
			}
		})
	}
}
