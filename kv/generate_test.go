package kv

import (
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// Few keys, so that operations meet.
var keyGenerator = rapid.SampledFrom([]string{"a", "a/b", "a0", "b", "b\x00", "c", "é"})

// expectedGenerator draws conditions that hold often enough: none, absence, and
// the small version ids that a short history hands out.
func expectedGenerator() *rapid.Generator[*int64] {
	return rapid.Custom(func(t *rapid.T) *int64 {
		if rapid.Bool().Draw(t, "unconditional") {
			return nil
		}
		return proto.Int64(rapid.Int64Range(-1, 12).Draw(t, "expected"))
	})
}

func putGenerator() *rapid.Generator[*api.PutRequest] {
	return rapid.Custom(func(t *rapid.T) *api.PutRequest {
		put := &api.PutRequest{
			Key:               keyGenerator.Draw(t, "key"),
			Value:             rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "value"),
			ExpectedVersionId: expectedGenerator().Draw(t, "condition"),
		}
		if rapid.Bool().Draw(t, "identified") {
			put.ClientIdentity = proto.String(rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(t, "identity"))
		}
		if rapid.Bool().Draw(t, "routed") {
			put.PartitionKey = proto.String(rapid.SampledFrom([]string{"", "p"}).Draw(t, "partition"))
		}
		return put
	})
}

func deleteGenerator() *rapid.Generator[*api.DeleteRequest] {
	return rapid.Custom(func(t *rapid.T) *api.DeleteRequest {
		return &api.DeleteRequest{
			Key:               keyGenerator.Draw(t, "key"),
			ExpectedVersionId: expectedGenerator().Draw(t, "condition"),
		}
	})
}

func deleteRangeGenerator() *rapid.Generator[*api.DeleteRangeRequest] {
	return rapid.Custom(func(t *rapid.T) *api.DeleteRangeRequest {
		req := &api.DeleteRangeRequest{StartInclusive: keyGenerator.Draw(t, "start")}
		if rapid.Bool().Draw(t, "bounded") {
			req.EndExclusive = keyGenerator.Draw(t, "end")
		}
		return req
	})
}

func writeGenerator() *rapid.Generator[*api.WriteRequest] {
	return rapid.Custom(func(t *rapid.T) *api.WriteRequest {
		return &api.WriteRequest{
			Puts:         rapid.SliceOfN(putGenerator(), 0, 4).Draw(t, "puts"),
			Deletes:      rapid.SliceOfN(deleteGenerator(), 0, 2).Draw(t, "deletes"),
			DeleteRanges: rapid.SliceOfN(deleteRangeGenerator(), 0, 1).Draw(t, "ranges"),
		}
	})
}

// payloadGenerator draws mostly writes and transactions, and some of everything else that has an
// outcome.
func payloadGenerator() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		switch rapid.IntRange(0, 13).Draw(t, "payload kind") {
		case 0:
			return BarrierPayload()
		case 1:
			return WritePayload(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 2:
			return mustPayload(&api.WriteRequest{Puts: []*api.PutRequest{{Key: "a", SessionId: proto.Int64(1)}}})
		case 3:
			return TransactionPayload(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 4, 5, 6:
			return mustTransaction(transactionGenerator().Draw(t, "transaction"))
		}
		return mustPayload(writeGenerator().Draw(t, "write"))
	})
}

func mustPayload(req *api.WriteRequest) []byte {
	body, err := proto.Marshal(req)
	if err != nil {
		panic(err)
	}
	return WritePayload(body)
}

// entriesGenerator draws a log from its first entry: offsets by ones, terms that
// never go back, clocks that may.
func entriesGenerator(longest int) *rapid.Generator[[]Entry] {
	return rapid.Custom(func(t *rapid.T) []Entry {
		entries := make([]Entry, rapid.IntRange(1, longest).Draw(t, "length"))
		term := int64(1)
		for i := range entries {
			term += rapid.SampledFrom([]int64{0, 0, 0, 1, 5}).Draw(t, "term step")
			entries[i] = Entry{
				ID:        EntryID{Term: term, Offset: int64(i) + 1},
				Timestamp: rapid.Uint64Range(1000, 2000).Draw(t, "timestamp"),
				Payload:   payloadGenerator().Draw(t, "payload"),
			}
		}
		return entries
	})
}
