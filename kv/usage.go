package kv

// Levels is how many levels of tables there are.
const Levels = 7

// Usage is what the storage engine has and did, for those who watch it. Counts are since
// the database was opened.
type Usage struct {
	// Bytes is what is on disk, ObsoleteBytes that part of it that is to be deleted,
	// perhaps once nobody reads it any more.
	Bytes, ObsoleteBytes int64
	// Levels are the tables that are live, from those that were flushed down.
	Levels [Levels]LevelUsage
	// ReadAmplification is how many tables a read may have to look into.
	ReadAmplification int
	// CompactionDebt estimates the bytes that compactions have before them.
	CompactionDebt                                     int64
	Compactions, CompactionsFailed, CompactionsRunning int64
	Flushes                                            int64
	// FlushedBytes, CompactedBytes and IngestedBytes were written to tables, or taken in
	// with them.
	FlushedBytes, CompactedBytes, IngestedBytes int64
	// WriteStalls counts how often Apply had to wait for flushes or compactions.
	WriteStalls int64
	// MemTableBytes is what memory is taken by what is applied and not flushed.
	MemTableBytes                      int64
	CacheBytes, CacheHits, CacheMisses int64
	// Iterators are those over tables that are open.
	Iterators int64
}

// LevelUsage is one level's.
type LevelUsage struct{ Tables, Bytes int64 }

// Usage returns what the engine has at present. It may be called at any time before
// Close, and costs no more than a look at its counters.
func (db *DB) Usage() Usage {
	m := db.pebble.Metrics()
	u := Usage{
		Bytes:             int64(m.DiskSpaceUsage()),
		ObsoleteBytes:     int64(m.Table.Local.ObsoleteSize + m.Table.Local.ZombieSize),
		ReadAmplification: m.ReadAmp(),
		CompactionDebt:    int64(m.Compact.EstimatedDebt),
		Compactions:       m.Compact.Count, CompactionsFailed: m.Compact.FailedCount, CompactionsRunning: m.Compact.NumInProgress,
		Flushes:       m.Flush.Count,
		WriteStalls:   db.flushing.stalls.Load(),
		MemTableBytes: int64(m.MemTable.Size),
		CacheBytes:    m.BlockCache.Size, CacheHits: m.BlockCache.Hits, CacheMisses: m.BlockCache.Misses,
		Iterators: m.TableIters,
	}
	for i := range m.Levels {
		level := &m.Levels[i]
		u.Levels[i] = LevelUsage{Tables: level.TablesCount, Bytes: level.TablesSize}
		u.FlushedBytes += int64(level.TableBytesFlushed)
		u.CompactedBytes += int64(level.TableBytesCompacted)
		u.IngestedBytes += int64(level.TableBytesIngested)
	}
	return u
}
