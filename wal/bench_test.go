package wal

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	pebblewal "github.com/cockroachdb/pebble/v2/wal"

	"github.com/ostraka-db/ostraka/replication"
)

// benchClients is how many writes wait for each other's sync, and benchPayload what
// each of them brings.
const (
	benchClients = 256
	benchPayload = 128
)

// load is an even load of clients, each of which writes again when its write is
// durable.
type load struct {
	log     *Log
	shards  int
	next    int
	heads   []replication.Offset
	trimmed []replication.Offset
	payload []byte
}

func newLoad(log *Log, shards int) *load {
	return &load{
		log: log, shards: shards, payload: make([]byte, benchPayload),
		heads: make([]replication.Offset, shards), trimmed: make([]replication.Offset, shards),
	}
}

// round is one write of each client, and one sync.
func (l *load) round(b *testing.B) {
	for range benchClients {
		shard := l.next % l.shards
		l.next++
		l.heads[shard]++
		l.log.Submit(replication.ShardID(shard), replication.LogOp{Kind: replication.OpAppend, Entries: []replication.Entry{
			{ID: replication.EntryID{Term: 1, Offset: l.heads[shard]}, Payload: l.payload},
		}})
	}
	if _, err := l.log.Sync(); err != nil {
		b.Fatal(err)
	}
}

// counting counts the syncs of files.
type counting struct {
	vfs.FS
	syncs int
}

type countingFile struct {
	vfs.File
	fs *counting
}

func (c *counting) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := c.FS.OpenReadWrite(name, category, opts...)
	return &countingFile{f, c}, err
}

func (f *countingFile) SyncData() error {
	f.fs.syncs++
	return f.File.SyncData()
}

// BenchmarkSync is a closed loop of clients that write evenly to some shards. An
// operation is a round: a write of each client, all made durable.
func BenchmarkSync(b *testing.B) {
	for _, shards := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("shards=%d", shards), func(b *testing.B) {
			disk := &counting{FS: vfs.Default}
			log, err := Open(Options{FS: disk, Dir: filepath.Join(b.TempDir(), "log"), CacheBytes: 8 << 20})
			if err != nil {
				b.Fatal(err)
			}
			defer log.Close()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			l := newLoad(log, shards)
			l.round(b)
			disk.syncs = 0
			start := log.writer.synced.offset
			for b.Loop() {
				l.round(b)
			}
			seconds := b.Elapsed().Seconds()
			b.ReportMetric(float64(disk.syncs)/seconds, "fsyncs/s")
			b.ReportMetric(float64(b.N*benchClients)/seconds, "writes/s")
			if log.writer.synced.segment == 1 {
				b.ReportMetric(float64(log.writer.synced.offset-start)/float64(b.N*benchClients), "diskB/write")
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "heapMiB")
			points := 0
			for _, s := range log.shards {
				points += len(s.index.points)
			}
			b.ReportMetric(float64(points), "points")
		})
	}
}

// BenchmarkSyncedBatch is one batch of 4 KiB, durable: in a segment of our own, and
// by Pebble's log writer, which syncs in a goroutine of its own.
func BenchmarkSyncedBatch(b *testing.B) {
	const size = 4000
	payload := make([]byte, size)
	b.Run("segments", func(b *testing.B) {
		log, err := Open(Options{FS: vfs.Default, Dir: filepath.Join(b.TempDir(), "log"), CacheBytes: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer log.Close()
		next := replication.Offset(0)
		for b.Loop() {
			next++
			log.Submit(1, replication.LogOp{Kind: replication.OpAppend, Entries: []replication.Entry{
				{ID: replication.EntryID{Term: 1, Offset: next}, Payload: payload},
			}})
			if _, err := log.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(log.writer.synced.offset)/float64(b.N)-size, "overheadB/op")
	})
	b.Run("pebble", func(b *testing.B) {
		dir := b.TempDir()
		manager, err := pebblewal.Init(pebblewal.Options{
			Primary:       pebblewal.Dir{FS: vfs.Default, Dirname: dir},
			NoSyncOnClose: true, PreallocateSize: func() int { return defaultSegmentBytes },

			EventListener: quiet{}, WriteWALSyncOffsets: func() bool { return true },
		}, nil)
		if err != nil {
			b.Fatal(err)
		}
		writer, err := manager.Create(1, 1)
		if err != nil {
			b.Fatal(err)
		}
		size := int64(0)
		for b.Loop() {
			var done sync.WaitGroup
			var failed error
			done.Add(1)
			at, err := writer.WriteRecord(payload, pebblewal.SyncOptions{Done: &done, Err: &failed}, nil)
			if err != nil {
				b.Fatal(err)
			}
			if done.Wait(); failed != nil {
				b.Fatal(failed)
			}
			size = at
		}
		b.ReportMetric(float64(size)/float64(b.N)-float64(len(payload)), "overheadB/op")
		if _, err := writer.Close(); err != nil {
			b.Fatal(err)
		}
		if err := manager.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// quiet hears of Pebble's files, and says nothing.
type quiet struct{}

func (quiet) LogCreated(pebblewal.CreateInfo) {}
