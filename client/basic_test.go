package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

func TestPutGetDelete(t *testing.T) {
	c := newClient(clienttest.New(t, 3, 4, keyspace.Hierarchical), WithIdentity("me"))
	ctx := t.Context()
	put, err := c.Put(ctx, "a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if put.Key != "a" || put.Version.Modifications != 0 || put.Version.Identity != "me" || put.Version.Ephemeral {
		t.Errorf("put returned %+v", put)
	}
	r, err := c.Get(ctx, "a")
	if err != nil || string(r.Value) != "1" || r.Version != put.Version || r.Key != "a" {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err := c.Get(ctx, "a", WithoutValue()); err != nil || r.Value != nil {
		t.Errorf("without value: got %+v, %v", r, err)
	}
	if _, err := c.Put(ctx, "a", []byte("2"), ExpectedVersion(put.Version.ID+5)); !errors.Is(err, ErrUnexpectedVersion) {
		t.Errorf("put at another version: %v", err)
	}
	if _, err := c.Put(ctx, "a", nil, ExpectNoRecord()); !errors.Is(err, ErrUnexpectedVersion) {
		t.Errorf("put over a record that must not be: %v", err)
	}
	again, err := c.Put(ctx, "a", []byte{}, ExpectedVersion(put.Version.ID))
	if err != nil || again.Version.Modifications != 1 {
		t.Errorf("put at its version: %+v, %v", again, err)
	}
	if r, err := c.Get(ctx, "a"); err != nil || r.Value == nil || len(r.Value) != 0 {
		t.Errorf("an empty value was read as %v, %v", r.Value, err)
	}
	if err := c.Delete(ctx, "a", ExpectedVersion(put.Version.ID)); !errors.Is(err, ErrUnexpectedVersion) {
		t.Errorf("delete at an old version: %v", err)
	}
	if err := c.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := c.Delete(ctx, "a"); !errors.Is(err, ErrKeyNotFound) {
		t.Errorf("second delete: %v", err)
	}
	if _, err := c.Get(ctx, "a"); !errors.Is(err, ErrKeyNotFound) {
		t.Errorf("get of nothing: %v", err)
	}
}

// fill puts records whose keys differ in depth, so that the orders differ.
func fill(t *testing.T, c *Client) []string {
	t.Helper()
	var keys []string
	for i := range 60 {
		key := fmt.Sprintf("k%02d", i)
		switch i % 3 {
		case 1:
			key = fmt.Sprintf("k%02d/x", i)
		case 2:
			key = fmt.Sprintf("k/%02d/y", i)
		}
		keys = append(keys, key)
	}
	var puts []*Future[PutResult]
	for i, key := range keys {
		puts = append(puts, c.Async().Put(t.Context(), key, []byte(key), SecondaryIndex("rank", fmt.Sprintf("%03d", 100-i))))
	}
	for _, put := range puts {
		if _, err := put.Result(); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// What is merged from many shards is in the order in which each sorts, whichever that is.
func TestScansAreInTheServersOrder(t *testing.T) {
	for _, order := range []keyspace.Order{keyspace.Hierarchical, keyspace.Natural} {
		t.Run(order.String(), func(t *testing.T) {
			c := newClient(clienttest.New(t, 3, 5, order))
			keys := fill(t, c)
			slices.SortFunc(keys, order.Compare)
			var listed, scanned []string
			for key, err := range c.List(t.Context(), "", "") {
				if err != nil {
					t.Fatal(err)
				}
				listed = append(listed, key)
			}
			for r, err := range c.RangeScan(t.Context(), "", "") {
				if err != nil {
					t.Fatal(err)
				}
				if string(r.Value) != r.Key {
					t.Fatalf("record %q has value %q", r.Key, r.Value)
				}
				scanned = append(scanned, r.Key)
			}
			if !slices.Equal(listed, keys) {
				t.Errorf("listed %q\n want %q", listed, keys)
			}
			if !slices.Equal(scanned, keys) {
				t.Errorf("scanned %q\n want %q", scanned, keys)
			}
			checkNearest(t, c, order, keys)
		})
	}
}

// checkNearest holds each comparison against the sorted keys.
func checkNearest(t *testing.T, c *Client, order keyspace.Order, keys []string) {
	t.Helper()
	for _, asked := range append([]string{"k", "k10a", "zzz", "k/"}, keys[:10]...) {
		at, exact := slices.BinarySearchFunc(keys, asked, order.Compare)
		above := at
		if exact {
			above++
		}
		floor := at - 1
		if exact {
			floor = at
		}
		for name, want := range map[string]struct {
			option GetOption
			index  int
		}{"floor": {Floor(), floor}, "lower": {Lower(), at - 1}, "ceiling": {Ceiling(), at}, "higher": {Higher(), above}} {
			r, err := c.Get(t.Context(), asked, want.option)
			switch {
			case want.index < 0 || want.index >= len(keys):
				if !errors.Is(err, ErrKeyNotFound) {
					t.Errorf("%s of %q: got %q, %v, want none", name, asked, r.Key, err)
				}
			case err != nil || r.Key != keys[want.index]:
				t.Errorf("%s of %q: got %q, %v, want %q", name, asked, r.Key, err, keys[want.index])
			}
		}
	}
}

// A list by an index asks many shards at a time, and never all of them: what was asked
// long before it is read would be given up by its server.
func TestListsByAnIndexLookAheadWithinABound(t *testing.T) {
	const shards = 3 * maxScanOpens
	f := clienttest.New(t, 3, shards, keyspace.Hierarchical)
	c := newClient(f)
	keys := fill(t, c)
	var listed []string
	last := -1
	for key, err := range c.List(t.Context(), "", "", UseIndex("rank")) {
		if err != nil {
			t.Fatal(err)
		}
		place := slices.IndexFunc(f.Shards, func(s *clienttest.Shard) bool { return s.Hashes.Contains(keyspace.Hash(key)) })
		if place < last {
			t.Fatalf("%q of shard %d comes after shard %d", key, place, last)
		}
		if asked := f.Count("List"); asked > place+1+maxScanOpens {
			t.Fatalf("%d shards were asked while number %d is read", asked, place)
		}
		last = place
		listed = append(listed, key)
	}
	slices.Sort(listed)
	if slices.Sort(keys); !slices.Equal(listed, keys) {
		t.Errorf("listed %q\n want %q", listed, keys)
	}
}

func TestSecondaryIndexes(t *testing.T) {
	c := newClient(clienttest.New(t, 3, 5, keyspace.Hierarchical))
	keys := fill(t, c)
	slices.Reverse(keys) // rank falls
	var scanned, listed []string
	for r, err := range c.RangeScan(t.Context(), "", "", UseIndex("rank")) {
		if err != nil {
			t.Fatal(err)
		}
		scanned = append(scanned, r.Key)
	}
	if !slices.Equal(scanned, keys) {
		t.Errorf("scanned %q\n want %q", scanned, keys)
	}
	for key, err := range c.List(t.Context(), "050", "060", UseIndex("rank")) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, key)
	}
	slices.Sort(listed)
	want := slices.Sorted(slices.Values(keys[9:19])) // ranks 041 to 100
	if !slices.Equal(listed, want) {
		t.Errorf("listed %q\n want %q", listed, want)
	}
	if r, err := c.Get(t.Context(), "0505", Ceiling(), UseIndex("rank")); err != nil || r.SecondaryKey != "051" {
		t.Errorf("ceiling by index: %+v, %v", r, err)
	}
	if r, err := c.Get(t.Context(), "077", UseIndex("rank")); err != nil || r.SecondaryKey != "077" || r.Key != keys[77-41] {
		t.Errorf("get by index: %+v, %v", r, err)
	}
}

func TestDeleteRangeReachesAllShards(t *testing.T) {
	c := newClient(clienttest.New(t, 3, 5, keyspace.Natural))
	fill(t, c)
	if err := c.DeleteRange(t.Context(), "k1", "k3"); err != nil {
		t.Fatal(err)
	}
	left := 0
	for key, err := range c.List(t.Context(), "", "") {
		if err != nil || key >= "k1" && key < "k3" {
			t.Errorf("listed %q, %v", key, err)
		}
		left++
	}
	if left == 0 || left == 60 {
		t.Errorf("%d keys are left", left)
	}
}

func TestPartitionKeysKeepRecordsTogether(t *testing.T) {
	f := clienttest.New(t, 3, 7, keyspace.Hierarchical)
	c := newClient(f)
	ctx := t.Context()
	for i := range 20 {
		if _, err := c.Put(ctx, fmt.Sprintf("p%02d", i), nil, PartitionKey("together")); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	for _, err := range c.List(ctx, "", "", PartitionKey("together")) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != 20 || f.Count("List") != 1 {
		t.Errorf("listed %d records by %d calls, want 20 by 1", count, f.Count("List"))
	}
	if r, err := c.Get(ctx, "p05", PartitionKey("together"), Higher()); err != nil || r.Key != "p06" {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := c.Delete(ctx, "p05", PartitionKey("together")); err != nil {
		t.Error(err)
	}
	if err := c.DeleteRange(ctx, "", "", PartitionKey("together")); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(ctx, "", Higher()); !errors.Is(err, ErrKeyNotFound) {
		t.Errorf("after deleting all: %v", err)
	}
}

func TestSequences(t *testing.T) {
	c := newClient(clienttest.New(t, 2, 3, keyspace.Hierarchical))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen []string
	for i := range 3 {
		put, err := c.Put(ctx, "seq", []byte{byte(i)}, PartitionKey("p"), SequenceDeltas(uint64(i+1), 10))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, put.Key)
	}
	want := []string{
		"seq-00000000000000000001-00000000000000000010", "seq-00000000000000000003-00000000000000000020",
		"seq-00000000000000000006-00000000000000000030",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q", seen)
	}
	var updates []string
	for key, err := range c.SequenceUpdates(ctx, "seq", "p") {
		if err != nil {
			t.Fatal(err)
		}
		updates = append(updates, key)
		if len(updates) == 2 {
			break
		}
		if _, err := c.Put(ctx, "seq", nil, PartitionKey("p"), SequenceDeltas(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{want[2], "seq-00000000000000000007-00000000000000000030"}; !slices.Equal(updates, want) {
		t.Errorf("updates are %q, want %q", updates, want)
	}
}

func TestOverrideVersionIsKept(t *testing.T) {
	c := newClient(clienttest.New(t, 1, 1, keyspace.Hierarchical))
	put, err := c.Put(t.Context(), "a", nil, OverrideVersion(77, 5))
	if err != nil || put.Version.ID != 77 || put.Version.Modifications != 5 {
		t.Errorf("got %+v, %v", put, err)
	}
}

// Of servers that do not tell the order, the user can.
func TestKeyOrderOfTheUser(t *testing.T) {
	f := clienttest.New(t, 2, 5, keyspace.Natural)
	f.Change(func() { f.SecretOrder = true })
	c := newClient(f, WithKeyOrder("natural"))
	keys := fill(t, c)
	slices.Sort(keys)
	var listed []string
	for key, err := range c.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, key)
	}
	if !slices.Equal(listed, keys) {
		t.Errorf("listed %q\n want %q", listed, keys)
	}
}
