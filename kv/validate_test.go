package kv

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// The limits, and what a script cannot write down; the rest of what is refused
// is in testdata/scripts/validate.txt.
func TestLimits(t *testing.T) {
	key := func(n int) string { return strings.Repeat("k", n) }
	puts := func(puts ...*api.PutRequest) *api.WriteRequest { return &api.WriteRequest{Puts: puts} }
	many := func(n int) *api.WriteRequest {
		return &api.WriteRequest{Deletes: slices.Repeat([]*api.DeleteRequest{{Key: "a"}}, n)}
	}
	sequence := func(key string, numbers int) *api.PutRequest {
		deltas := slices.Repeat([]uint64{1}, numbers)
		return &api.PutRequest{Key: key, PartitionKey: proto.String("p"), SequenceKeyDelta: deltas}
	}
	indexed := func(entries int, index, key string) *api.PutRequest {
		entry := &api.SecondaryIndex{IndexName: index, SecondaryKey: key}
		return &api.PutRequest{Key: "a", SecondaryIndexes: slices.Repeat([]*api.SecondaryIndex{entry}, entries)}
	}
	half := make([]byte, MaxRequestBytes/2-100)
	unknown := &api.PutRequest{Key: "a"}
	unknown.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1})

	cases := []struct {
		name   string
		req    *api.WriteRequest
		reason Reason // 0: accepted
		field  string
	}{
		{"longest key", puts(&api.PutRequest{Key: key(MaxKeyBytes)}), 0, ""},
		{"key too long", puts(&api.PutRequest{Key: key(MaxKeyBytes + 1)}), TooLarge, "puts[0].key"},
		{"partition key too long", puts(&api.PutRequest{Key: "a", PartitionKey: proto.String(key(MaxKeyBytes + 1))}), TooLarge, "puts[0].partition_key"},
		{"identity too long", puts(&api.PutRequest{Key: "a", ClientIdentity: proto.String(key(MaxIdentityBytes + 1))}), TooLarge, "puts[0].client_identity"},
		{"longest value", puts(&api.PutRequest{Key: "a", Value: make([]byte, MaxValueBytes)}), 0, ""},
		{"value too long", puts(&api.PutRequest{Key: "a", Value: make([]byte, MaxValueBytes+1)}), TooLarge, "puts[0].value"},
		{"largest request", puts(&api.PutRequest{Key: "a", Value: half}, &api.PutRequest{Key: "b", Value: half}), 0, ""},
		{"request too large", puts(&api.PutRequest{Key: "a", Value: half}, &api.PutRequest{Key: "b", Value: half}, &api.PutRequest{Key: key(300)}), TooLarge, "request"},
		{"most operations", many(MaxOperations), 0, ""},
		{"too many operations", many(MaxOperations + 1), TooLarge, "request"},
		{"most ranges", &api.WriteRequest{DeleteRanges: make([]*api.DeleteRangeRequest, MaxDeleteRanges)}, 0, ""},
		{"too many ranges", &api.WriteRequest{DeleteRanges: make([]*api.DeleteRangeRequest, MaxDeleteRanges+1)}, TooLarge, "delete_ranges"},
		{"range end too long", &api.WriteRequest{DeleteRanges: []*api.DeleteRangeRequest{{EndExclusive: key(MaxKeyBytes + 1)}}}, TooLarge, "delete_ranges[0].end_exclusive"},
		{"key that is not UTF-8", puts(&api.PutRequest{Key: "a\xff"}), Invalid, "puts[0].key"},
		{"range that is not UTF-8", &api.WriteRequest{DeleteRanges: []*api.DeleteRangeRequest{{StartInclusive: "\xff"}}}, Invalid, "delete_ranges[0].start_inclusive"},
		{"field of a newer client", puts(&api.PutRequest{Key: "b"}, unknown), Unsupported, "puts[1]"},
		{"most numbers of a sequence", puts(sequence("a", MaxSequenceDeltas)), 0, ""},
		{"too many numbers of a sequence", puts(sequence("a", MaxSequenceDeltas+1)), TooLarge, "puts[0].sequence_key_delta"},
		{"longest key of a sequence", puts(sequence(key(MaxKeyBytes-sequencePartBytes), 1)), 0, ""},
		{"key of a sequence too long", puts(sequence(key(MaxKeyBytes-sequencePartBytes+1), 1)), TooLarge, "puts[0].key"},
		{"most entries in indexes", puts(indexed(MaxSecondaryIndexes, "i", "k")), 0, ""},
		{"too many entries in indexes", puts(indexed(MaxSecondaryIndexes+1, "i", "k")), TooLarge, "puts[0].secondary_indexes"},
		{"index name too long", puts(indexed(1, key(MaxIndexNameBytes+1), "k")), TooLarge, "puts[0].secondary_indexes[0].index_name"},
		{"index name that is not UTF-8", puts(indexed(1, "\xff", "k")), Invalid, "puts[0].secondary_indexes[0].index_name"},
		{"secondary key too long", puts(indexed(2, "i", key(MaxKeyBytes+1))), TooLarge, "puts[0].secondary_indexes[0].secondary_key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := Validate(c.req, keyspace.FullRange)
			refused := (*RefusedError)(nil)
			switch {
			case c.reason == 0 && err != nil:
				t.Errorf("refused: %v", err)
			case c.reason == 0:
			case !errors.As(err, &refused):
				t.Errorf("got %v, want a refusal", err)
			case refused.Reason != c.reason || refused.Field != c.field:
				t.Errorf("got %v of %s, want %v of %s", refused.Reason, refused.Field, c.reason, c.field)
			case refused.Remedy == "":
				t.Error("no remedy")
			}
		})
	}
}

// What Validate lets pass, Apply applies: nothing that is proposed turns out to
// be malformed or refused.
func TestWhatIsAcceptedIsApplied(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		req := writeGenerator().Draw(t, "write")
		if len(req.GetPuts()) > 0 && rapid.Bool().Draw(t, "spoil") {
			spoil(t, req.GetPuts()[0])
		}
		if Validate(req, keyspace.FullRange) != nil {
			return
		}
		entry := Entry{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(req)}
		result := mustApply(t, d.db, shard, []Entry{entry})[0]
		if result.Outcome != Applied {
			t.Fatalf("accepted %v was %s", req, result.Outcome)
		}
	})
}

func spoil(t *rapid.T, put *api.PutRequest) {
	switch rapid.IntRange(0, 4).Draw(t, "how") {
	case 0:
		put.SessionId = proto.Int64(1)
	case 1:
		put.SequenceKeyDelta = []uint64{1}
	case 2:
		put.SecondaryIndexes = []*api.SecondaryIndex{{}}
	case 3:
		put.OverrideVersionId = proto.Int64(1)
	case 4:
		put.OverrideModificationsCount = proto.Int64(1)
	}
}
