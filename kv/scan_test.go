package kv

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// checkScan holds scans and lists of a shard against the model, in parts of random
// sizes.
func checkScan(t *rapid.T, db *DB, shard ShardID, m *model) {
	start, end := keyGenerator.Draw(t, "from"), keyGenerator.Draw(t, "to")
	if rapid.Bool().Draw(t, "everything") {
		start, end = "", ""
	}
	var want []string
	for key := range m.records {
		if m.inRange(key, start, end) {
			want = append(want, key)
		}
	}
	slices.SortFunc(want, m.order.Compare)

	scan, err := db.Scan(shard, &api.RangeScanRequest{StartInclusive: start, EndExclusive: end})
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	for done, rest := false, want; !done; {
		most := rapid.IntRange(1, 4).Draw(t, "at a time")
		var records []*api.GetResponse
		if records, done, err = scan.Next(most, rapid.IntRange(0, 30).Draw(t, "bytes")); err != nil {
			t.Fatal(err)
		}
		if len(records) > most || len(records) > len(rest) || (len(records) == 0 && len(rest) > 0) {
			t.Fatalf("%d records of %d, at most %d at a time", len(records), len(rest), most)
		}
		for i, r := range records {
			known := m.records[rest[i]]
			asked := &api.GetResponse{Version: known.version, Value: append([]byte{}, known.value...), Key: &rest[i]}
			if !proto.Equal(r, asked) {
				t.Fatalf("scanned %v\nwant    %v", r, asked)
			}
		}
		if rest = rest[len(records):]; done != (len(rest) == 0) && done {
			t.Fatalf("the scan ended before %q", rest)
		}
	}
	listed, err := listAll(db, shard, &api.ListRequest{StartInclusive: start, EndExclusive: end})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(listed, want) {
		t.Fatalf("listed %q, want %q", listed, want)
	}
}

// fillForScan puts keys that are in order, with values of the same length.
func fillForScan(t failer, db *DB, shard ShardID, keys int, value string) {
	req := &api.WriteRequest{}
	for i := range keys {
		req.Puts = append(req.Puts, &api.PutRequest{Key: fmt.Sprintf("%03d", i), Value: []byte(value)})
	}
	applied := mustApplied(t, db, shard)
	mustApply(t, db, shard, []Entry{{ID: EntryID{Term: 1, Offset: applied.Offset + 1}, Payload: mustPayload(req)}})
}

// Whatever is written between two calls, and whatever is flushed, a scan is of the
// moment of the call that began it.
func TestScansAreOfOneMoment(t *testing.T) {
	db := openForTest(t)
	fillForScan(t, db, 1, 20, "before")
	scan, err := db.Scan(1, &api.RangeScanRequest{})
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	for i := 0; ; i++ {
		records, done, err := scan.Next(3, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if string(r.GetValue()) != "before" {
				t.Fatalf("%s was written after the scan began", r.GetKey())
			}
		}
		if done {
			break
		}
		fillForScan(t, db, 1, 30, fmt.Sprint("after ", i))
		if i == 2 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A part is as large as it may be, and never empty where there is something.
func TestScansKeepTheirLimits(t *testing.T) {
	db := openForTest(t)
	fillForScan(t, db, 1, 20, "1234567")
	for _, c := range []struct{ records, bytes, want int }{
		{5, 1 << 20, 5}, {100, 50, 5}, {100, 59, 5}, {100, 60, 6}, {100, 0, 1}, {0, 100, 1}, {100, 1 << 20, 20},
	} {
		scan, err := db.Scan(1, &api.RangeScanRequest{})
		if err != nil {
			t.Fatal(err)
		}
		records, done, err := scan.Next(c.records, c.bytes)
		if err != nil || len(records) != c.want || done != (c.want == 20) {
			t.Errorf("%d records of %d bytes: %d, %v, %v", c.records, c.bytes, len(records), done, err)
		}
		scan.Close()
		scan.Close() // as often as one likes
		if more, done, err := scan.Next(1, 1); len(more) > 0 || !done || err != nil {
			t.Errorf("a scan that is closed: %d, %v, %v", len(more), done, err)
		}
	}
}

// A scan does not go on over a shard that was deleted, or replaced by a snapshot.
func TestScansEndWithTheirShard(t *testing.T) {
	for name, replace := range map[string]func(*DB) error{
		"deleted": func(db *DB) error { return db.DeleteShard(1) },
		"replaced": func(db *DB) error {
			for _, part := range wholeExport(t, db, 2, func() int { return blockBytes }) {
				if _, err := db.Import(1, part); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openForTest(t)
			fillForScan(t, db, 1, 20, "one")
			fillForScan(t, db, 2, 20, "two")
			scan, err := db.Scan(1, &api.RangeScanRequest{})
			if err != nil {
				t.Fatal(err)
			}
			defer scan.Close()
			if _, _, err := scan.Next(3, 1<<20); err != nil {
				t.Fatal(err)
			}
			if err := replace(db); err != nil {
				t.Fatal(err)
			}
			if _, _, err := scan.Next(3, 1<<20); !errors.Is(err, ErrScanGone) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestScansRefuseWhatIsNoRange(t *testing.T) {
	db := openForTest(t)
	long := string(make([]byte, MaxKeyBytes+1))
	for field, req := range map[string]*api.ListRequest{
		"start_inclusive": {StartInclusive: "\xff"},
		"end_exclusive":   {EndExclusive: long},
	} {
		_, err := db.List(1, req)
		if refused := (*RefusedError)(nil); !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("got %v, want a refusal of %s", err, field)
		}
	}
}

// The order of a shard that was read goes with it: what takes its place has its own.
func TestOrderOfAShardGoesWithIt(t *testing.T) {
	db := openForTest(t)
	keys := []string{"b", "a/a"}
	put := &api.WriteRequest{Puts: []*api.PutRequest{{Key: keys[0]}, {Key: keys[1]}}}
	for _, order := range []api.KeyOrder{0, 1, 0} {
		mustApply(t, db, 1, []Entry{
			{ID: EntryID{1, 1}, Payload: mustBarrier(&api.ShardSettings{KeyOrder: order})},
			{ID: EntryID{1, 2}, Payload: mustPayload(put)},
		})
		listed, err := listAll(db, 1, &api.ListRequest{})
		if err != nil || (listed[0] == keys[0]) != (order == 0) {
			t.Fatalf("in the %s: %q, %v", order, listed, err)
		}
		get := &api.GetRequest{Key: keys[1], ComparisonType: api.KeyComparisonType_HIGHER}
		res, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{get}})
		if err != nil || (res.GetGets()[0].GetStatus() == api.Status_OK) != (order == 1) {
			t.Fatalf("in the %s: %v, %v", order, res, err)
		}
		if err := db.DeleteShard(1); err != nil {
			t.Fatal(err)
		}
	}
}

// Settings come with barriers, are kept, and travel with a snapshot. The order is the
// first entry's.
func TestSettings(t *testing.T) {
	db := openForTest(t)
	natural := &api.ShardSettings{Namespace: "n", KeyOrder: api.KeyOrder_KEY_ORDER_NATURAL, MaxHashInclusive: 7, NotificationRetentionMs: 5}
	mustApply(t, db, 1, []Entry{
		{ID: EntryID{1, 1}, Payload: mustBarrier(natural)},
		{ID: EntryID{2, 2}, Payload: BarrierPayload()},
		{ID: EntryID{2, 3}, Payload: append(BarrierPayload(), 0xff)},
	})
	for _, part := range wholeExport(t, db, 1, func() int { return blockBytes }) {
		if _, err := db.Import(2, part); err != nil {
			t.Fatal(err)
		}
	}
	for shard := ShardID(1); shard <= 2; shard++ {
		if got, err := db.Settings(shard); err != nil || !proto.Equal(got, natural) {
			t.Errorf("settings of shard %d: %v, %v", shard, got, err)
		}
	}
	mustApply(t, db, 1, []Entry{{ID: EntryID{3, 4}, Payload: mustBarrier(&api.ShardSettings{NotificationsDisabled: true})}})
	want := &api.ShardSettings{
		KeyOrder: api.KeyOrder_KEY_ORDER_NATURAL, NotificationsDisabled: true, NotificationRetentionMs: DefaultNotificationRetentionMs,
	}
	if got, err := db.Settings(1); err != nil || !proto.Equal(got, want) {
		t.Errorf("settings after the next barrier: %v, %v", got, err)
	}
}
