package client

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// The limits that are checked here are those of the state machine.
func TestLimitsAreTheStateMachines(t *testing.T) {
	for name, pair := range map[string][2]any{
		"key": {maxKeyBytes, kv.MaxKeyBytes}, "value": {maxValueBytes, kv.MaxValueBytes},
		"identity": {maxIdentityBytes, kv.MaxIdentityBytes}, "operations": {maxOperations, kv.MaxOperations},
		"ranges": {maxRanges, kv.MaxDeleteRanges}, "indexes": {maxSecondaryIndexes, kv.MaxSecondaryIndexes},
		"index name": {maxIndexNameBytes, kv.MaxIndexNameBytes}, "deltas": {maxDeltas, kv.MaxSequenceDeltas},
		"transaction": {maxTransactionOperations, kv.MaxTransactionOperations},
		"request":     {maxRequestBytes, kv.MaxRequestBytes}, "prefix": {internalPrefix, kv.InternalPrefix},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %v here, %v there", name, pair[0], pair[1])
		}
	}
}

// What one batch after the other does to a key, in the order in which a server applies
// each, is what was issued, in that order.
func TestBatchesKeepTheOrderOfEachKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		conf := defaultConfig()
		conf.maxBatchOps = rapid.IntRange(1, 10).Draw(t, "limit")
		issued := map[string][]int{}
		var batches []*batch
		for i := range rapid.IntRange(1, 40).Draw(t, "operations") {
			o := &operation{kind: kind(rapid.IntRange(0, 2).Draw(t, "kind"))}
			key := fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "key"))
			switch o.kind {
			case kindPut:
				o.put = &api.PutRequest{Key: key}
			case kindDelete:
				o.del = &api.DeleteRequest{Key: key}
			default: // all keys
				o.rng = &api.DeleteRangeRequest{}
				key = ""
			}
			o.size = i
			note(issued, key, i)
			if len(batches) == 0 || !batches[len(batches)-1].admits(o, &conf) {
				batches = append(batches, &batch{})
			}
			batches[len(batches)-1].add(o)
		}
		applied := map[string][]int{}
		for _, b := range batches {
			if len(b.ops) > conf.maxBatchOps {
				t.Fatalf("a batch has %d operations of %d", len(b.ops), conf.maxBatchOps)
			}
			for k := kindPut; k < kindGet; k++ {
				for _, o := range b.ops {
					if o.kind == k && k == kindDeleteRange {
						note(applied, "", o.size)
					} else if o.kind == k {
						note(applied, o.key(), o.size)
					}
				}
			}
		}
		if fmt.Sprint(applied) != fmt.Sprint(issued) {
			t.Fatalf("applied as %v, issued as %v", applied, issued)
		}
	})
}

// note adds an operation to the story of its key, or of all keys.
func note(stories map[string][]int, key string, operation int) {
	for _, k := range []string{"0", "1", "2"} {
		if key == "" || key == k {
			stories[k] = append(stories[k], operation)
		}
	}
}

func TestBackoffGrowsToItsBound(t *testing.T) {
	if backoff(0) != 0 || backoff(1) != 0 {
		t.Error("the first repetition waits")
	}
	most := firstWait
	for failures := 2; failures < 100; failures++ {
		for range 20 {
			if wait := backoff(failures); wait < most/2 || wait > most {
				t.Fatalf("after %d failures it waits %s, want between %s and %s", failures, wait, most/2, most)
			}
		}
		most = min(2*most, maxWait)
	}
	if most != 100*time.Millisecond {
		t.Errorf("the bound is %s", most)
	}
}
