package sim

import (
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// message enters a message into the hash.
func (t *trace) message(server int, e *replication.Envelope) {
	where, from := uint64(server), uint64(e.FromReplica)<<32|uint64(e.ToReplica)
	switch m := e.Message.(type) {
	case replication.Beat:
		t.note(tookMessage, []byte(e.From), where, uint64(m.Incarnation))
	case replication.Append:
		last := m.Prev
		if len(m.Entries) > 0 {
			last = m.Entries[len(m.Entries)-1].ID
			t.note(tookMessage, m.Entries[len(m.Entries)-1].Payload, where)
		}
		t.note(tookMessage, []byte(e.From), where, 1, from, uint64(e.Shard), uint64(m.Term.Term), uint64(last.Term), uint64(last.Offset), uint64(m.Commit))
	case replication.Ack:
		t.note(tookMessage, []byte(e.From), where, 2, from, uint64(e.Shard), uint64(m.Term.Term), uint64(m.Match), uint64(m.Commit))
	case replication.Confirm:
		t.note(tookMessage, []byte(e.From), where, 3, from, uint64(e.Shard), uint64(m.Term.Term), m.Round)
	case replication.Confirmed:
		t.note(tookMessage, []byte(e.From), where, 4, from, uint64(e.Shard), uint64(m.Term.Term), m.Round)
	default:
		t.note(tookMessage, fmt.Appendf(nil, "%s %T%+v", e.From, m, m), where, 5, from, uint64(e.Shard))
	}
}

// event enters what came of a submission into the hash.
func (t *trace) event(server int, shard replication.ShardID, event replication.Event) {
	where := uint64(server)<<32 | uint64(shard)
	switch ev := event.(type) {
	case replication.LogDone:
		t.note(tookEvent, nil, where, 1, ev.Sequence)
	case replication.Applied:
		for _, result := range ev.Results {
			t.note(tookEvent, result, where, 2)
		}
	default:
		t.note(tookEvent, fmt.Appendf(nil, "%T%+v", ev, ev), where, 3)
	}
}

// describe describes what came of a submission in a line.
func describe(event replication.Event) string {
	switch ev := event.(type) {
	case replication.LogDone:
		return fmt.Sprintf("the log is durable up to operation %d", ev.Sequence)
	case replication.Applied:
		return fmt.Sprintf("applied %d entries", len(ev.Results))
	case replication.EntriesRead:
		return fmt.Sprintf("read %d entries", len(ev.Entries))
	case replication.Exported:
		return fmt.Sprintf("exported %d bytes at %d of the snapshot at %v, gone: %v", len(ev.Part.Data), ev.Part.Position, ev.Part.Last, ev.Gone)
	case replication.DocumentLoaded:
		return fmt.Sprintf("loaded %v, failed: %v", &ev.Document, ev.Failed)
	}
	return fmt.Sprintf("%T%+v", event, event)
}
