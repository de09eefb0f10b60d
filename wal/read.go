package wal

import (
	"io"

	"github.com/ostraka-db/ostraka/replication"
)

// ReadAnswer is what came of a Read. Its Damaged is the offset that was asked for, if
// that entry is in the log but cannot be read back; there are no entries then.
type ReadAnswer struct {
	Shard replication.ShardID
	Read  replication.EntriesRead
}

// entryOverhead is what an entry counts for beside its payload, when entries are
// read up to a limit of bytes.
const entryOverhead = 32

// readAsk is a Read that has to look into a file.
type readAsk struct {
	shard    *shardLog
	id       replication.ReadID
	first    replication.Offset
	maxBytes int
}

// Read asks for entries from an offset on: at least one if there is any, as many as
// fit, and fewer where they do not lie together. The answer is among the next
// Reads.
func (l *Log) Read(shard replication.ShardID, id replication.ReadID, first replication.Offset, maxBytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	if first > s.now.history.Base().Offset && first < s.firstKept() {
		l.asked = append(l.asked, readAsk{s, id, first, maxBytes})
		return
	}
	l.reads = append(l.reads, ReadAnswer{
		Shard: shard, Read: replication.EntriesRead{ID: id, Entries: s.kept(first, maxBytes)},
	})
}

// kept returns entries that are in memory.
func (s *shardLog) kept(first replication.Offset, maxBytes int) []replication.Entry {
	from := first - s.firstKept()
	if from < 0 || from >= replication.Offset(len(s.tail)) {
		return nil
	}
	var entries []replication.Entry
	room := int64(maxBytes)
	for _, e := range s.tail[from:] {
		if room -= int64(len(e.Payload)) + entryOverhead; room < 0 && len(entries) > 0 {
			break
		}
		entries = append(entries, e.Entry)
	}
	return entries
}

// Reads returns the answers since the last call, for which it may look into files.
// Calls come one at a time, beside a Sync or not.
func (l *Log) Reads() []ReadAnswer {
	l.mu.Lock()
	reads, asked := l.reads, l.asked
	l.reads, l.asked = nil, nil
	l.mu.Unlock()
	for _, ask := range asked {
		reads = append(reads, l.answer(ask))
	}
	return reads
}

// answer looks for entries, from one point of the index to the next, until no more
// fit. Where what it looks for moved meanwhile (it was carried forward), it looks
// again.
func (l *Log) answer(ask readAsk) ReadAnswer {
	answer := ReadAnswer{Shard: ask.shard.id, Read: replication.EntriesRead{ID: ask.id}}
	found := &answer.Read.Entries
	next, room := ask.first, ask.maxBytes
	for len(*found) == 0 || room > 0 {
		entries, state := l.readOnce(ask.shard, next, max(room, 1))
		if state == readMoved {
			continue
		}
		if state == readDamaged && len(*found) == 0 {
			answer.Read.Damaged = next
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			room -= len(e.Payload) + entryOverhead
			if room < 0 && len(*found) > 0 {
				break
			}
			*found = append(*found, e)
		}
		next = (*found)[len(*found)-1].ID.Offset + 1
	}
	return answer
}

// readState is what came of looking once.
type readState int

const (
	readDone readState = iota
	readMoved
	readDamaged
)

// readOnce reads the entries from an offset on that are in memory, or lie together
// in a segment.
func (l *Log) readOnce(s *shardLog, first replication.Offset, maxBytes int) ([]replication.Entry, readState) {
	l.mu.Lock()
	history := &s.now.history
	if first <= history.Base().Offset || first > history.Head().Offset {
		l.mu.Unlock()
		return nil, readDone
	}
	if first >= s.firstKept() {
		defer l.mu.Unlock()
		return s.kept(first, maxBytes), readDone
	}
	i, covered := s.index.find(first)
	if !covered {
		l.mu.Unlock()
		return nil, readDamaged
	}
	p := s.index.points[i]
	p.last = min(p.last, s.firstKept()-1)
	p.segment.readers++
	l.mu.Unlock()

	entries, err := p.read(s.id, first, maxBytes)
	if err != nil {
		l.options.Logger.Error("cannot read the log", "file", p.segment.path(), "error", err)
	}

	l.mu.Lock()
	file := p.segment.release()
	i, covered = s.index.find(first)
	moved := !covered || s.index.points[i].segment != p.segment || s.index.points[i].from != p.from
	state := readDone
	n := 0
	for n < len(entries) && entries[n].ID.Offset == first+replication.Offset(n) && s.now.history.Contains(entries[n].ID) {
		n++
	}
	if n == 0 {
		// The history is asked again: what is gone from there is no damage.
		if state = readDamaged; moved || first <= s.now.history.Base().Offset || first > s.now.history.Head().Offset {
			state = readMoved
		}
	}
	l.mu.Unlock()
	l.closeUnused(file)
	return entries[:n], state
}

// read reads entries of a point from a file, from an offset on, until there are as
// many bytes as given, unless that is zero. What is damaged is left out.
func (p *point) read(shard replication.ShardID, first replication.Offset, maxBytes int) ([]replication.Entry, error) {
	content := make([]byte, p.to-p.from)
	n, err := p.segment.file.ReadAt(content, p.from)
	if err == io.EOF {
		err = nil // what should be there is damaged
	}
	content = content[:n]
	var entries []replication.Entry
	bytes := 0
	p.segment.key.frames(content, p.from, func(f frame) bool {
		if f.shard != shard || (f.kind != recordAppend && f.kind != recordCarried) || f.last() < first || f.body == nil {
			return true
		}
		found, ok := decodeEntries(&f.record, f.body)
		if !ok {
			return true
		}
		for _, e := range found {
			if e.ID.Offset >= first && e.ID.Offset <= p.last {
				entries = append(entries, e)
				bytes += len(e.Payload) + entryOverhead
			}
		}
		return maxBytes == 0 || bytes < maxBytes
	})
	return entries, err
}
