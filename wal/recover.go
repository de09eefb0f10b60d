package wal

import (
	"fmt"
	"slices"
)

// CorruptionError says that a file holds what was never written there, and that
// nothing can be known of the log without it.
type CorruptionError struct {
	File   string
	Detail string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("log file %s is corrupt: %s; restore the directory, or wipe it and let the server be replaced", e.File, e.Detail)
}

const (
	floorName   = "floor"
	floorHeader = "ostraka low 0001"
)

// Open opens the log in a directory, which is made and formatted if it is missing
// or empty. The directory belongs to the log alone.
func Open(o Options) (*Log, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	dirs, incarnation, err := openDirectories(&o)
	if err != nil {
		return nil, err
	}
	l := &Log{options: o, dirs: dirs, incarnation: incarnation, cache: cache{budget: o.CacheBytes}}
	if l.run, err = dirs[0].nextRun(o.Now()); err == nil {
		err = l.recover()
	}
	if err != nil {
		_ = l.closeFiles()
		return nil, err
	}
	return l, nil
}

// recover finds out what the log holds, and makes that durable: it may be there
// only because the machine has not crashed yet.
func (l *Log) recover() error {
	floor, err := l.dirs[0].readNumber(floorName, floorHeader)
	if err != nil {
		return err
	}
	r := recovery{l: l}
	if err := r.readAll(); err != nil {
		return err
	}
	if err := r.finish(floor); err != nil {
		return err
	}
	for _, d := range l.dirs {
		if err := d.sync(); err != nil {
			return fmt.Errorf("sync the names of the segments in %s: %w", d.path, err)
		}
	}
	if r.number > floor {
		if err := r.rewrite(); err != nil {
			return err
		}
		if err := l.dirs[0].writeNumber(floorName, floorHeader, r.number); err != nil {
			return err
		}
	}
	r.removeEmpty()
	l.removeUnused()
	return nil
}

// numbered is a segment's file.
type numbered struct {
	number uint64
	dir    *directory
}

// list returns the segments in all directories, by number.
func (l *Log) list() ([]numbered, error) {
	var all []numbered
	for _, d := range l.dirs {
		numbers, err := d.segmentNumbers()
		if err != nil {
			return nil, fmt.Errorf("list the segments in %s: %w", d.path, err)
		}
		for _, n := range numbers {
			all = append(all, numbered{n, d})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	for i := 1; i < len(all); i++ {
		if all[i].number == all[i-1].number {
			return nil, &CorruptionError{File: all[i].dir.file(segmentName(all[i].number)), Detail: "it is in both directories"}
		}
	}
	return all, nil
}

// readAll reads every segment, in order.
func (r *recovery) readAll() error {
	all, err := r.l.list()
	if err != nil {
		return err
	}
	for _, n := range all {
		s, content, err := openSegment(n.dir, n.number, r.l.incarnation)
		if err != nil {
			return fmt.Errorf("read segment %d of the log: %w", n.number, err)
		}
		r.l.writer.last = n.number
		r.l.segments = append(r.l.segments, s)
		s.batches(content, r.found)
	}
	if r.pending == nil && len(all) > 1 {
		last := all[len(all)-1]
		return &CorruptionError{
			File:   last.dir.file(segmentName(last.number)),
			Detail: fmt.Sprintf("like the %d before it, it has nothing of the log that can be read", len(all)-1),
		}
	}
	return nil
}

// removeEmpty removes the segments of which nothing counts: what they had was torn.
func (r *recovery) removeEmpty() {
	l := r.l
	l.segments = slices.DeleteFunc(l.segments, func(s *segment) bool {
		if s.end > 0 {
			return false
		}
		_ = s.file.Close()
		if err := s.dir.fs.Remove(s.path()); err != nil {
			l.options.Logger.Warn("cannot remove an empty segment of the log", "file", s.path(), "error", err)
		}
		return true
	})
}
