package kv

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/api"
)

// openForBench opens a database on real files, with everything at its default.
func openForBench(b *testing.B, dir string) *DB {
	b.Helper()
	db, err := Open(Options{FS: vfs.Default, Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// benchEntry is a put of 128 bytes that do not compress, one of many keys.
func benchEntry(rng *rand.ChaCha8, offset int64) Entry {
	value := make([]byte, 128)
	_, _ = rng.Read(value) // never fails
	return Entry{
		ID:      EntryID{Term: 1, Offset: offset},
		Payload: mustPayload(putOf(fmt.Sprintf("some/key/of/usual/length/%d", offset%100_000), string(value))),
	}
}

// The same load, spread evenly over shards: what a shard more costs.
func BenchmarkApplyToShards(b *testing.B) {
	for _, shards := range []int64{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("shards=%d", shards), func(b *testing.B) {
			db := openForBench(b, b.TempDir())
			defer mustClose(b, db)
			rng := rand.NewChaCha8([32]byte{1})
			const batch = 16
			made := make([]Entry, 1000*batch) // not while it is timed
			for i := range made {
				made[i] = benchEntry(rng, int64(i))
			}
			for i := int64(0); b.Loop(); i++ {
				from := i * batch % int64(len(made))
				entries := made[from : from+batch]
				for j := range entries {
					entries[j].ID.Offset = i/shards*batch + int64(j) + 1
				}
				mustApply(b, db, ShardID(i%shards), entries)
			}
			b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// fillForBench makes a shard of some 60 MB, flushed.
func fillForBench(b *testing.B, db *DB) {
	b.Helper()
	rng := rand.NewChaCha8([32]byte{2})
	entries := make([]Entry, 1000)
	for offset := int64(0); offset < 300_000; {
		for j := range entries {
			offset++
			entries[j] = benchEntry(rng, offset)
			entries[j].Payload = mustPayload(putOf(fmt.Sprintf("some/key/of/usual/length/%d", offset), string(entries[j].Payload)))
		}
		mustApply(b, db, 1, entries)
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
}

// A snapshot from one database into another, in parts of 1 MiB, and installed.
func BenchmarkSnapshot(b *testing.B) {
	from, to := openForBench(b, b.TempDir()), openForBench(b, b.TempDir())
	defer mustClose(b, from)
	defer mustClose(b, to)
	fillForBench(b, from)
	var exporting, importing time.Duration
	var position int64
	for b.Loop() {
		ask := ExportAsk{MaxBytes: 1 << 20}
		for final := false; !final; {
			begun := time.Now()
			part, err := from.Export(1, ask)
			exported := time.Now()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := to.Import(1, part); err != nil {
				b.Fatal(err)
			}
			exporting += exported.Sub(begun)
			importing += time.Since(exported)
			position = part.Position + int64(len(part.Data))
			ask.Last, ask.Position, final = part.Last, position, part.Final
		}
	}
	megabytes := float64(position) * float64(b.N) / 1e6
	b.ReportMetric(megabytes/exporting.Seconds(), "MB/s-export")
	b.ReportMetric(megabytes/importing.Seconds(), "MB/s-import")
}

// What opening costs, whatever there is: nothing is replayed here.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	db := openForBench(b, dir)
	fillForBench(b, db)
	mustClose(b, db)
	for b.Loop() {
		mustClose(b, openForBench(b, dir))
	}
}

// Reads of tables: a record, the last check, and how far the shard is flushed.
func BenchmarkRead(b *testing.B) {
	db := openForBench(b, b.TempDir())
	defer mustClose(b, db)
	fillForBench(b, db)
	rng := rand.New(rand.NewPCG(3, 3))
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			get := &api.GetRequest{Key: fmt.Sprintf("some/key/of/usual/length/%d", rng.IntN(300_000)), IncludeValue: true}
			if _, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{get}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("checked", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := db.Checked(1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("flushed", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.FlushedApplied(1); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What goes with a put, and what it costs more than a plain one that nobody is told of.
func BenchmarkPuts(b *testing.B) {
	session, partition := int64(2), "p"
	for _, c := range []struct {
		name   string
		silent bool
		change func(*api.PutRequest)
	}{
		{"silent", true, func(*api.PutRequest) {}},
		{"plain", false, func(*api.PutRequest) {}},
		{"indexed", false, func(put *api.PutRequest) {
			put.SecondaryIndexes = []*api.SecondaryIndex{{IndexName: "index", SecondaryKey: put.GetKey()[10:]}}
		}},
		{"ephemeral", false, func(put *api.PutRequest) { put.SessionId = &session }},
		{"sequence", false, func(put *api.PutRequest) { put.PartitionKey, put.SequenceKeyDelta = &partition, []uint64{1} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			db := openForBench(b, b.TempDir())
			defer mustClose(b, db)
			mustApply(b, db, 1, []Entry{
				{ID: EntryID{1, 1}, Payload: mustBarrier(&api.ShardSettings{NotificationsDisabled: c.silent})},
				{ID: EntryID{1, 2}, Payload: CreateSessionPayload(time.Second, "")},
			})
			made := make([]Entry, 16_000) // not while it is timed
			for i := range made {
				req := putOf(fmt.Sprintf("some/key/of/usual/length/%d", i), string(make([]byte, 128)))
				c.change(req.Puts[0])
				made[i].Payload = mustPayload(req)
			}
			const batch = 16
			offset := int64(2)
			for i := 0; b.Loop(); i++ {
				from := i * batch % len(made)
				entries := made[from : from+batch]
				for j := range entries {
					offset++
					entries[j].ID = EntryID{1, offset}
				}
				mustApply(b, db, 1, entries)
			}
			b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// A walk over all of a shard, in parts of 1,000 records.
func BenchmarkScan(b *testing.B) {
	db := openForBench(b, b.TempDir())
	defer mustClose(b, db)
	fillForBench(b, db)
	records := 0
	for b.Loop() {
		scan, err := db.Scan(1, &api.RangeScanRequest{})
		if err != nil {
			b.Fatal(err)
		}
		for done := false; !done; {
			var some []*api.GetResponse
			if some, done, err = scan.Next(1000, 2<<20); err != nil {
				b.Fatal(err)
			}
			records += len(some)
		}
		scan.Close()
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
