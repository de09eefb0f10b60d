package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// stageDir is where tables are written before Pebble takes them in, below the
	// database's directory. It is emptied when the database is opened.
	stageDir = "import"
	// stagedTableBytes is the size, before compression, from which on rows go into
	// the next table.
	stagedTableBytes = 64 << 20
)

// stage is the tables that a snapshot's rows are written to, in ascending order.
// It holds one block of one table in memory, and the table's index.
type stage struct {
	db    *DB
	shard ShardID
	// tables are the paths of all tables, the one being written included.
	tables []string
	writer *sstable.Writer
	// written is what went into the table being written.
	written int64
}

func (db *DB) newStage(shard ShardID) stage { return stage{db: db, shard: shard} }

// emptyStage makes the directory of staged tables, and drops what an earlier run
// left in it.
func emptyStage(fs vfs.FS, dir string) error {
	path := fs.PathJoin(dir, stageDir)
	if err := fs.RemoveAll(path); err != nil {
		return fmt.Errorf("drop staged tables: %w", err)
	}
	if err := fs.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("make the directory of staged tables: %w", err)
	}
	return nil
}

// add adds a row that follows those before.
func (s *stage) add(key, value []byte) error {
	if s.writer == nil {
		if err := s.beginTable(); err != nil {
			return err
		}
	}
	if err := s.writer.Set(key, value); err != nil {
		return err
	}
	s.written += int64(len(key) + len(value))
	if s.written < s.db.stagedTableBytes {
		return nil
	}
	return s.finishTable()
}

func (s *stage) beginTable() error {
	fs := s.db.fs
	name := fmt.Sprintf("%d-%d.sst", s.shard, s.db.stagedTables.Add(1))
	path := fs.PathJoin(s.db.dir, stageDir, name)
	file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	s.tables = append(s.tables, path)
	s.writer = sstable.NewWriter(objstorageprovider.NewFileWritable(file), s.db.tableOptions)
	s.written = 0
	return nil
}

// finishTable makes the table being written durable, if there is one.
func (s *stage) finishTable() error {
	if s.writer == nil {
		return nil
	}
	writer := s.writer
	s.writer = nil
	return writer.Close()
}

// remove removes all tables.
func (s *stage) remove() error {
	if s.writer != nil {
		// What is removed need not have been written.
		_ = s.writer.Close()
		s.writer = nil
	}
	var err error
	for _, path := range s.tables {
		err = errors.Join(err, s.db.fs.Remove(path))
	}
	s.tables = nil
	return err
}
