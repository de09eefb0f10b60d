package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/oxia-db/oxia/oxia"
)

func mustPut(t *testing.T, c oxia.SyncClient, key, value string, options ...oxia.PutOption) (string, oxia.Version) {
	t.Helper()
	stored, version, err := c.Put(bounded(t), key, []byte(value), options...)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return stored, version
}

func mustGet(t *testing.T, c oxia.SyncClient, key string, options ...oxia.GetOption) (string, string) {
	t.Helper()
	stored, value, _, err := c.Get(bounded(t), key, options...)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return stored, string(value)
}

func scanned(t *testing.T, results <-chan oxia.GetResult) (keys []string, values []string) {
	t.Helper()
	for r := range results {
		if r.Err != nil {
			t.Fatalf("range scan: %v", r.Err)
		}
		keys, values = append(keys, r.Key), append(values, string(r.Value))
	}
	return keys, values
}

func TestRecordsAndVersions(t *testing.T) {
	c := connect(t, servers, single)
	ctx := bounded(t)
	key, first := mustPut(t, c, "versions/a", "one", oxia.ExpectedRecordNotExists())
	if key != "versions/a" || first.ModificationsCount != 0 || first.Ephemeral || first.CreatedTimestamp == 0 {
		t.Errorf("stored %s as %+v", key, first)
	}
	if _, _, err := c.Put(ctx, "versions/a", nil, oxia.ExpectedRecordNotExists()); !errors.Is(err, oxia.ErrUnexpectedVersionId) {
		t.Errorf("a second creation: %v", err)
	}
	_, second := mustPut(t, c, "versions/a", "two", oxia.ExpectedVersionId(first.VersionId))
	if second.VersionId <= first.VersionId || second.ModificationsCount != 1 || second.CreatedTimestamp != first.CreatedTimestamp {
		t.Errorf("the second version is %+v, after %+v", second, first)
	}
	if _, _, err := c.Put(ctx, "versions/a", nil, oxia.ExpectedVersionId(first.VersionId)); !errors.Is(err, oxia.ErrUnexpectedVersionId) {
		t.Errorf("over an old version: %v", err)
	}
	_, value, version, err := c.Get(ctx, "versions/a")
	if err != nil || string(value) != "two" || version != second {
		t.Errorf("got %q %+v, %v; want %+v", value, version, err, second)
	}
	if _, value, _, err := c.Get(ctx, "versions/a", oxia.IncludeValue(false)); err != nil || len(value) > 0 {
		t.Errorf("without the value: %q, %v", value, err)
	}
	if err := c.Delete(ctx, "versions/a", oxia.ExpectedVersionId(first.VersionId)); !errors.Is(err, oxia.ErrUnexpectedVersionId) {
		t.Errorf("delete of an old version: %v", err)
	}
	if err := c.Delete(ctx, "versions/a", oxia.ExpectedVersionId(second.VersionId)); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := c.Delete(ctx, "versions/a"); !errors.Is(err, oxia.ErrKeyNotFound) {
		t.Errorf("delete of nothing: %v", err)
	}
	if _, _, _, err := c.Get(ctx, "versions/a"); !errors.Is(err, oxia.ErrKeyNotFound) {
		t.Errorf("get of nothing: %v", err)
	}
}

func TestRangesInBothOrders(t *testing.T) {
	keys := []string{"order/a", "order/a/1", "order/a/2", "order/b", "order/b/1/x", "order/c"}
	for namespace, want := range map[string][]string{
		natural:      {"order/a", "order/a/1", "order/a/2", "order/b", "order/b/1/x", "order/c"},
		hierarchical: {"order/a", "order/b", "order/c", "order/a/1", "order/a/2", "order/b/1/x"},
	} {
		t.Run(namespace, func(t *testing.T) {
			c := connect(t, servers, namespace)
			for _, key := range keys {
				mustPut(t, c, key, "of "+key, oxia.PartitionKey("one"))
			}
			listed, err := c.List(bounded(t), "order/", "order/~/~/~", oxia.PartitionKey("one"))
			if err != nil || !slices.Equal(listed, want) {
				t.Errorf("listed %q, %v; want %q", listed, err, want)
			}
			found, values := scanned(t, c.RangeScan(bounded(t), "order/", "order/~/~/~", oxia.PartitionKey("one")))
			if !slices.Equal(found, want) || values[0] != "of "+want[0] {
				t.Errorf("scanned %q", found)
			}
			// Without a partition key all shards are asked, and lists come in no order.
			everywhere, err := c.List(bounded(t), "order/", "order/~/~/~")
			slices.Sort(everywhere)
			if err != nil || !slices.Equal(everywhere, keys) {
				t.Errorf("listed everywhere: %q, %v", everywhere, err)
			}
			if err := c.DeleteRange(bounded(t), "order/", "order/~/~/~"); err != nil {
				t.Fatal(err)
			}
			if left, err := c.List(bounded(t), "order/", "order/~/~/~"); err != nil || len(left) > 0 {
				t.Errorf("after the deletion: %q, %v", left, err)
			}
		})
	}
}

func TestNeighbours(t *testing.T) {
	for _, namespace := range []string{hierarchical, natural, single} {
		t.Run(namespace, func(t *testing.T) {
			c := connect(t, servers, namespace)
			for _, key := range []string{"near-b", "near-d", "near-f"} {
				mustPut(t, c, key, "of "+key)
			}
			for _, try := range []struct {
				name   string
				option oxia.GetOption
				key    string
				want   string
			}{
				{"equal", oxia.ComparisonEqual(), "near-d", "near-d"},
				{"floor", oxia.ComparisonFloor(), "near-d", "near-d"},
				{"floor between", oxia.ComparisonFloor(), "near-e", "near-d"},
				{"ceiling", oxia.ComparisonCeiling(), "near-d", "near-d"},
				{"ceiling between", oxia.ComparisonCeiling(), "near-c", "near-d"},
				{"lower", oxia.ComparisonLower(), "near-d", "near-b"},
				{"higher", oxia.ComparisonHigher(), "near-d", "near-f"},
			} {
				stored, value := mustGet(t, c, try.key, try.option)
				if stored != try.want || value != "of "+try.want {
					t.Errorf("%s of %s: %s with %q, want %s", try.name, try.key, stored, value, try.want)
				}
			}
		})
	}
}

func TestSequences(t *testing.T) {
	c := connect(t, servers, hierarchical)
	for i, want := range []string{
		"seq-00000000000000000001", "seq-00000000000000000003", "seq-00000000000000000006",
	} {
		key, _ := mustPut(t, c, "seq", "x", oxia.PartitionKey("p"), oxia.SequenceKeysDeltas(uint64(i+1)))
		if key != want {
			t.Errorf("put %d is stored as %s, want %s", i, key, want)
		}
	}
	if key, _ := mustPut(t, c, "pair", "x", oxia.PartitionKey("p"), oxia.SequenceKeysDeltas(1, 5)); key != "pair-00000000000000000001-00000000000000000005" {
		t.Errorf("two parts: %s", key)
	}
	if _, _, err := c.Put(bounded(t), "seq", nil, oxia.SequenceKeysDeltas(1)); err == nil {
		t.Error("a sequence without a partition key was taken")
	}
	// The shard is alive after what was refused.
	mustPut(t, c, "seq", "x", oxia.PartitionKey("p"), oxia.SequenceKeysDeltas(1))
}

// This client's request for the updates of a sequence names no shard, which is shard 0.
func TestSequenceUpdates(t *testing.T) {
	c := connect(t, servers, single)
	put := func() {
		mustPut(t, c, "followed", "x", oxia.PartitionKey("p"), oxia.SequenceKeysDeltas(1))
	}
	put()
	ctx, stop := context.WithCancel(bounded(t))
	updates, err := c.GetSequenceUpdates(ctx, "followed", oxia.PartitionKey("p"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 5; i++ {
		select {
		case key := <-updates:
			if want := fmt.Sprintf("followed-%020d", i); key != want {
				t.Fatalf("update %d is %q, want %s", i, key, want)
			}
		case <-ctx.Done():
			t.Fatalf("update %d did not come", i)
		}
		put()
	}
	stop()
	// What came before the end was noticed may still be told.
	for range updates {
	}
}

func TestSecondaryIndexes(t *testing.T) {
	c := connect(t, servers, hierarchical)
	for i := range 10 {
		mustPut(t, c, fmt.Sprintf("indexed-%c", 'a'+i), fmt.Sprint(i), oxia.SecondaryIndex("number", fmt.Sprintf("%03d", i)))
	}
	listed, err := c.List(bounded(t), "003", "006", oxia.UseIndex("number"))
	slices.Sort(listed)
	if err != nil || !slices.Equal(listed, []string{"indexed-d", "indexed-e", "indexed-f"}) {
		t.Errorf("listed %q, %v", listed, err)
	}
	found, _ := scanned(t, c.RangeScan(bounded(t), "003", "006", oxia.UseIndex("number")))
	slices.Sort(found)
	if !slices.Equal(found, []string{"indexed-d", "indexed-e", "indexed-f"}) {
		t.Errorf("scanned %q", found)
	}
	if stored, value := mustGet(t, c, "004", oxia.UseIndex("number")); stored != "indexed-e" || value != "4" {
		t.Errorf("got %s %q", stored, value)
	}
	// Another put takes the place of what it was indexed by.
	mustPut(t, c, "indexed-d", "3", oxia.SecondaryIndex("number", "500"))
	if err := c.Delete(bounded(t), "indexed-e"); err != nil {
		t.Fatal(err)
	}
	listed, err = c.List(bounded(t), "003", "006", oxia.UseIndex("number"))
	if err != nil || !slices.Equal(listed, []string{"indexed-f"}) {
		t.Errorf("listed %q, %v", listed, err)
	}
}

func TestManyAndLarge(t *testing.T) {
	async, err := oxia.NewAsyncClient(servers.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer async.Close()
	var puts []<-chan oxia.PutResult
	for i := range 5000 {
		puts = append(puts, async.Put(fmt.Sprintf("many/%05d", i), fmt.Append(nil, i)))
	}
	for i, put := range puts {
		if r := <-put; r.Err != nil {
			t.Fatalf("put %d: %v", i, r.Err)
		}
	}
	c := connect(t, servers, hierarchical)
	if keys, _ := scanned(t, c.RangeScan(bounded(t), "many/", "many//")); len(keys) != 5000 {
		t.Errorf("scanned %d of 5000", len(keys))
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for i := range 4 {
		mustPut(t, c, fmt.Sprintf("large/%d", i), string(large))
	}
	_, values := scanned(t, c.RangeScan(bounded(t), "large/", "large//"))
	if len(values) != 4 || slices.ContainsFunc(values, func(v string) bool { return v != string(large) }) {
		t.Errorf("of 4 large records %d came", len(values))
	}
}

func TestNamespaceThatIsNotThere(t *testing.T) {
	if c, err := oxia.NewSyncClient(servers.Addresses()[0], oxia.WithNamespace("nowhere")); err == nil {
		c.Close()
		t.Error("a client of no namespace")
	}
}
