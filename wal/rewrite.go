package wal

// The last batch that is found may be there only because the machine has not crashed
// yet. To sync its file would be to try again what perhaps failed in an earlier run:
// then the pages are taken for clean, a sync succeeds, and nothing reaches the disk.
// So it is written again, to a new segment, whose origin is before it. Everything
// earlier was synced before it was begun.

// rewrite writes the last batch again, under its number.
func (r *recovery) rewrite() error {
	l, p := r.l, r.last
	if p == nil {
		return nil
	}
	again := &batch{}
	p.segment.key.frames(p.content, p.at+p.size, func(f frame) bool {
		if f.kind == recordState {
			return true // the new segment has newer ones
		}
		entries, _ := decodeEntries(&f.record, f.body)
		record := batchRecord{record: f.record, shard: l.shard(f.shard), entries: entries}
		if f.kind == recordCarried {
			again.carried = append(again.carried, record)
		} else {
			again.ops = append(again.ops, record)
		}
		return true
	})
	w := &l.writer
	w.batch, w.synced, w.touched = p.number-1, p.synced, p.before
	if p.segment.end = p.at; p.at == segmentHeaderBytes {
		p.segment.end = 0
	}
	if err := l.put(again); err != nil {
		return err
	}
	l.settle(again)
	return nil
}
