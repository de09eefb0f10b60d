package wal

import (
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// Submits and reads of many goroutines go on beside syncs, carrying and removing of
// segments. What is read is what was appended.
func TestSubmitsAndReadsGoOnBesideSyncs(t *testing.T) {
	o := storyOptions(vfs.NewMem())
	l := openTest(t, o)
	const shards, entries = 4, 300
	var writers, drivers sync.WaitGroup
	for shard := range replication.ShardID(shards) {
		writers.Go(func() {
			for i := range int64(entries) {
				l.Submit(shard, appendOf(uint64(2*i+1), entry(1, i+1, "payload of an entry")))
				base := max(i-20, 0)
				l.Submit(shard, trimOf(uint64(2*i+2), min(base, 1), base))
				l.Read(shard, replication.ReadID(i), replication.Offset(i/2+1), 1000)
				_ = l.Full() || l.Low() || l.Queued()
			}
		})
	}
	done := make(chan struct{})
	answers := 0
	drivers.Go(func() {
		for last := false; ; {
			for _, a := range l.Reads() {
				answers++
				if a.Read.Damaged != 0 {
					t.Errorf("shard %d: damaged at %d", a.Shard, a.Read.Damaged)
				}
				for _, e := range a.Read.Entries {
					if string(e.Payload) != "payload of an entry" {
						t.Errorf("shard %d: read %+v", a.Shard, e)
					}
				}
			}
			if last {
				return
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
	})
	drivers.Go(func() {
		for last := false; ; {
			if _, err := l.Sync(); err != nil {
				t.Error(err)
				return
			}
			_ = l.Usage()
			_ = l.Recovered()
			if last {
				return
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
	})
	writers.Wait()
	close(done)
	drivers.Wait()
	if answers != shards*entries {
		t.Errorf("%d answers", answers)
	}
	for shard := range replication.ShardID(shards) {
		if found := entriesOf(l, shard); len(found) != 21 || found[20].ID.Offset != entries {
			t.Errorf("shard %d has %d entries", shard, len(found))
		}
	}
}
