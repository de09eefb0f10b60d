package wal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// CorruptionError says that the log holds what was never written there, in a
// place that was synced. The server must not use it: it has lost data.
type CorruptionError struct {
	File   string
	Offset int64
	Detail string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("log %s is corrupt at offset %d: %s; restore the directory, or wipe it and let the server be replaced",
		e.File, e.Offset, e.Detail)
}

// Open opens the log in a directory, which is made and formatted if it is
// missing or empty. The directory belongs to the log alone.
func Open(path string) (*Log, error) {
	dir, err := openDirectory(path)
	if err != nil {
		return nil, err
	}
	l, err := openLog(dir)
	if err != nil {
		_ = dir.close()
		return nil, err
	}
	return l, nil
}

func openLog(dir *directory) (*Log, error) {
	incarnation, err := dir.incarnation()
	if err != nil {
		return nil, err
	}
	run, err := dir.nextRun(time.Now())
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir.path, logName), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	l := &Log{dir: dir, file: file, framer: newFramer(incarnation), incarnation: incarnation, run: run}
	if err := l.recover(); err != nil {
		_ = file.Close()
		return nil, err
	}
	return l, nil
}

// recover reads the file, drops its torn end, and makes what is left durable: the
// records may be there only because the machine has not crashed yet.
func (l *Log) recover() error {
	content, err := io.ReadAll(l.file)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	end, err := l.replay(content)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(end); err != nil {
		return fmt.Errorf("drop the torn end of the log: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("sync the log: %w", err)
	}
	l.synced = end
	return nil
}

// replay applies every record up to the file's end, or its torn one, which it
// returns.
func (l *Log) replay(content []byte) (int64, error) {
	if len(content) < headerBytes || string(content[:headerBytes]) != logHeader {
		return 0, l.corrupt(0, "it does not begin with the header of a log")
	}
	at := int64(headerBytes)
	for at < int64(len(content)) {
		body, ok := l.framer.body(content[at:])
		if !ok {
			return at, l.checkTorn(content, at)
		}
		rec, err := decodeRecord(body)
		if err != nil {
			return 0, l.corrupt(at, err.Error())
		}
		if err := l.replayRecord(rec, at); err != nil {
			return 0, err
		}
		at += frameHeaderBytes + int64(len(body))
	}
	return at, nil
}

func (l *Log) replayRecord(rec record, at int64) error {
	if rec.kind == recordMark {
		if rec.synced > at {
			return l.corrupt(at, fmt.Sprintf("it marks %d as synced", rec.synced))
		}
		return nil
	}
	s := l.shard(rec.shard)
	if err := s.check(rec.op); err != nil {
		return l.corrupt(at, err.Error())
	}
	s.apply(rec.op)
	return nil
}

// checkTorn tells a torn write from damage. A write is torn anywhere, since its
// pages reach the disk in any order; but it was the last one, so that no batch
// after it knows it as synced.
func (l *Log) checkTorn(content []byte, at int64) error {
	if synced := l.framer.syncedAfter(content[at+1:]); synced > at {
		return l.corrupt(at, fmt.Sprintf("the record is damaged, and everything before %d was synced", synced))
	}
	return nil
}

func (l *Log) corrupt(at int64, detail string) error {
	return &CorruptionError{File: l.file.Name(), Offset: at, Detail: detail}
}
