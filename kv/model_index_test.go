package kv

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// modelPlace is one place of one record in an index.
type modelPlace struct {
	secondary, key string
}

// places returns all of an index, in its order.
func (m *model) places(index string) []modelPlace {
	var all []modelPlace
	for key, r := range m.records {
		for _, e := range r.indexes {
			if e.index == index {
				all = append(all, modelPlace{e.key, key})
			}
		}
	}
	slices.SortFunc(all, func(a, b modelPlace) int {
		return cmp.Or(m.order.Compare(a.secondary, b.secondary), m.order.Compare(a.key, b.key))
	})
	return slices.Compact(all)
}

func modelIndexes(put *api.PutRequest) []indexEntry {
	var entries []indexEntry
	for _, e := range put.GetSecondaryIndexes() {
		entries = append(entries, indexEntry{e.GetIndexName(), e.GetSecondaryKey()})
	}
	return entries
}

// everyIndexRead adds questions for every secondary key, and some between, in every way.
func (m *model) everyIndexRead(req *api.ReadRequest) *api.ReadRequest {
	for _, index := range append(indexNames, "k") {
		for _, key := range append(secondaryKeys, "/", "x/", "z") {
			for number := range api.KeyComparisonType_name {
				req.Gets = append(req.Gets, &api.GetRequest{
					Key: key, ComparisonType: api.KeyComparisonType(number), IncludeValue: number%2 == 0, SecondaryIndexName: &index,
				})
			}
		}
	}
	return req
}

func (m *model) readIndex(get *api.GetRequest) *api.GetResponse {
	var below, from, above []modelPlace
	for _, p := range m.places(get.GetSecondaryIndexName()) {
		switch c := m.order.Compare(p.secondary, get.GetKey()); {
		case c < 0:
			below = append(below, p)
		case c > 0:
			above = append(above, p)
			from = append(from, p)
		default:
			from = append(from, p)
		}
	}
	equal := from[:len(from)-len(above)]
	var found []modelPlace
	switch get.GetComparisonType() {
	case api.KeyComparisonType_EQUAL:
		found = equal
	case api.KeyComparisonType_CEILING:
		found = from
	case api.KeyComparisonType_HIGHER:
		found = above
	case api.KeyComparisonType_FLOOR:
		if found = equal; len(equal) == 0 && len(below) > 0 {
			found = below[len(below)-1:]
		}
	default:
		found = below[max(0, len(below)-1):]
	}
	if len(found) == 0 {
		return &api.GetResponse{Status: api.Status_KEY_NOT_FOUND}
	}
	r := m.records[found[0].key]
	res := &api.GetResponse{Version: r.version, Key: &found[0].key, SecondaryIndexKey: &found[0].secondary}
	if get.GetIncludeValue() {
		res.Value = append([]byte{}, r.value...)
	}
	return res
}

// checkIndexScan holds scans and lists of an index against the model.
func checkIndexScan(t *rapid.T, db *DB, shard ShardID, m *model) {
	index := rapid.SampledFrom(indexNames).Draw(t, "index")
	start, end := secondaryKeyWith.Draw(t, "from"), secondaryKeyWith.Draw(t, "to")
	var want []modelPlace
	for _, p := range m.places(index) {
		if m.inRange(p.secondary, start, end) {
			want = append(want, p)
		}
	}
	records, err := scanAll(db, shard, &api.RangeScanRequest{StartInclusive: start, EndExclusive: end, SecondaryIndexName: &index})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := listAll(db, shard, &api.ListRequest{StartInclusive: start, EndExclusive: end, SecondaryIndexName: &index})
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != len(want) || len(keys) != len(want) {
		t.Fatalf("from %q to %q: %v and %q, want %q", start, end, records, keys, want)
	}
	for i, p := range want {
		r := m.records[p.key]
		asked := &api.GetResponse{Version: r.version, Value: append([]byte{}, r.value...), Key: &p.key, SecondaryIndexKey: &p.secondary}
		if keys[i] != p.key || !proto.Equal(records[i], asked) {
			t.Fatalf("from %q to %q: %q and %v, want %q", start, end, keys[i], records[i], p)
		}
	}
}

// nextInSequence returns the key that follows, or nothing if none can.
func (m *model) nextInSequence(prefix string, deltas []uint64) string {
	var last []uint64
	var lastKey string
	for key := range m.records {
		after, of := strings.CutPrefix(key, prefix+"-")
		if !of || key < lastKey {
			continue
		}
		var numbers []uint64
		for part := range strings.SplitSeq(after, "-") {
			n, err := strconv.ParseUint(part, 10, 64)
			if err != nil || len(part) != 20 {
				numbers = nil
				break
			}
			numbers = append(numbers, n)
		}
		if numbers != nil {
			last, lastKey = numbers, key
		}
	}
	if len(last) > len(deltas) {
		return ""
	}
	for i, delta := range deltas {
		if i < len(last) {
			if last[i] > math.MaxUint64-delta {
				return ""
			}
			delta += last[i]
		}
		text := strconv.FormatUint(delta, 10)
		prefix += "-" + strings.Repeat("0", 20-len(text)) + text
	}
	return prefix
}
