package wire

import (
	"testing"

	"github.com/ostraka-db/ostraka/replication"
)

// anAppend is what a leader under load sends: entries of a few hundred bytes.
func anAppend(entries, bytes int) replication.Envelope {
	term := replication.TermID{Term: 12, Election: 1 << 60}
	m := replication.Append{Term: term, Prev: replication.EntryID{Term: 12, Offset: 1 << 20}, Commit: 1 << 20}
	for i := range entries {
		m.Entries = append(m.Entries, replication.Entry{
			ID:        replication.EntryID{Term: 12, Offset: 1<<20 + 1 + replication.Offset(i)},
			Timestamp: 1_790_000_000_000, Payload: make([]byte, bytes),
		})
	}
	return replication.Envelope{Shard: 1234, FromReplica: 3, ToReplica: 4, Message: m}
}

func benchmarkMessages() map[string]replication.Envelope {
	return map[string]replication.Envelope{
		"append-1x200":    anAppend(1, 200),
		"append-100x200":  anAppend(100, 200),
		"append-1000x200": anAppend(1000, 200),
		"ack": {Shard: 1234, FromReplica: 3, ToReplica: 4, Message: replication.Ack{
			Term: replication.TermID{Term: 12, Election: 1 << 60}, Match: 1 << 20, Commit: 1 << 20,
		}},
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, e := range benchmarkMessages() {
		b.Run(name, func(b *testing.B) {
			size, err := Size(&e)
			if err != nil {
				b.Fatal(err)
			}
			frame := make([]byte, 0, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				frame = Append(frame[:0], &e)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for name, e := range benchmarkMessages() {
		b.Run(name, func(b *testing.B) {
			frame := Append(nil, &e)
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(frame, testLink); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
