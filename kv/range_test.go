package kv

import (
	"fmt"
	"testing"

	"github.com/ostraka-db/ostraka/api"
)

// Tombstones of ranges, which slow down whatever reads their batch, are written for long
// ranges alone.
func TestShortRangesLeaveNoTombstones(t *testing.T) {
	for _, c := range []struct{ records, want int }{{0, 0}, {1, 0}, {fewRecords, 0}, {fewRecords + 1, 1}, {10 * fewRecords, 1}} {
		db := openForTest(t)
		a := &applier{db: db, shard: 1, batch: db.pebble.NewIndexedBatch(), digester: newDigester()}
		defer func() { _ = a.batch.Close() }()
		req := &api.WriteRequest{}
		for i := range c.records {
			req.Puts = append(req.Puts, &api.PutRequest{
				Key: fmt.Sprint(i), SecondaryIndexes: []*api.SecondaryIndex{{IndexName: "i"}},
			})
		}
		req.DeleteRanges = []*api.DeleteRangeRequest{{}, {}}
		if _, err := a.apply(&Entry{ID: EntryID{1, 1}, Payload: mustPayload(req)}); err != nil {
			t.Fatal(err)
		}
		if a.ranges != c.want {
			t.Errorf("%d records: %d tombstones, want %d", c.records, a.ranges, c.want)
		}
		if err := a.commit(); err != nil {
			t.Fatal(err)
		}
		checkRows(t, db, 1)
		if left := recordRowsOf(t, db, 1); left != "" || a.ranges != 0 {
			t.Errorf("%d records: %q are left", c.records, left)
		}
	}
}
