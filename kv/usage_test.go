package kv

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestUsageTellsOfFlushesTablesAndReads(t *testing.T) {
	db := openOn(t, vfs.NewMem())
	defer mustClose(t, db)
	fresh := db.Usage()
	if fresh.Bytes == 0 || fresh.Flushes != 0 || fresh.Levels[0].Tables != 0 {
		t.Errorf("a database without records: %+v", fresh)
	}
	mustApply(t, db, 1, shortLog(6))
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	contentOf(t, db, 1)
	now := db.Usage()
	tables, bytes := int64(0), int64(0)
	for _, level := range now.Levels {
		tables += level.Tables
		bytes += level.Bytes
	}
	if now.Flushes != 1 || tables != 1 || bytes == 0 || now.FlushedBytes != bytes || now.Bytes <= fresh.Bytes || now.ReadAmplification != 1 {
		t.Errorf("after a flush: %+v", now)
	}
	if now.CacheHits+now.CacheMisses == 0 || now.CacheBytes == 0 || now.MemTableBytes == 0 {
		t.Errorf("after reads: %+v", now)
	}
}
