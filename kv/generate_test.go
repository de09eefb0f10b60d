package kv

import (
	"math"
	"time"

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
		if rapid.IntRange(0, 3).Draw(t, "ephemeral") == 0 {
			put.SessionId = proto.Int64(sessionGenerator.Draw(t, "session"))
		}
		put.SecondaryIndexes = rapid.SliceOfN(indexGenerator(), 0, 3).Draw(t, "indexes")
		switch rapid.IntRange(0, 9).Draw(t, "beyond the usual") {
		case 0, 1:
			put.PartitionKey, put.ExpectedVersionId = proto.String("p"), nil
			put.SequenceKeyDelta = rapid.SliceOfN(deltaGenerator, 0, 2).Draw(t, "more deltas")
			put.SequenceKeyDelta = append([]uint64{deltaGenerator.Filter(func(d uint64) bool { return d > 0 }).Draw(t, "delta")}, put.SequenceKeyDelta...)
		case 2:
			put.OverrideVersionId = proto.Int64(rapid.Int64Range(0, 20).Draw(t, "version id"))
		case 3:
			put.OverrideModificationsCount = proto.Int64(rapid.Int64Range(0, 5).Draw(t, "modifications"))
		}
		return put
	})
}

// Ids that a short history may have given out.
var sessionGenerator = rapid.Int64Range(1, 8)

// sessionPayloadGenerator draws what creates a session, or ends some that there may be.
func sessionPayloadGenerator() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		switch rapid.IntRange(0, 3).Draw(t, "session change") {
		case 0, 1:
			identity := rapid.SampledFrom([]string{"", "alice"}).Draw(t, "identity")
			return CreateSessionPayload(time.Duration(rapid.IntRange(0, 9).Draw(t, "timeout"))*time.Second, identity)
		case 2:
			return CloseSessionsPayload(sessionGenerator.Draw(t, "closed"))
		}
		return ExpireSessionsPayload(rapid.SliceOfN(sessionGenerator, 1, 3).Draw(t, "expired")...)
	})
}

// oncePayloadGenerator draws requests with names that meet, and some that are none.
func oncePayloadGenerator() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		sequence := rapid.Uint64Range(0, 4).Draw(t, "sequence")
		name := &api.RequestName{
			Client: clientName(rapid.SampledFrom([]byte("ab")).Draw(t, "client")), Sequence: sequence,
			Low: rapid.Uint64Range(0, sequence).Draw(t, "low"),
		}
		if rapid.Bool().Draw(t, "transaction") {
			return namedTransaction(name, transactionGenerator().Draw(t, "transaction"))
		}
		return namedWrite(name, writeGenerator().Draw(t, "write"))
	})
}

// Small steps of sequences, and the greatest ones, which do not add up.
var deltaGenerator = rapid.SampledFrom([]uint64{0, 1, 1, 2, 9, math.MaxUint64 - 3, math.MaxUint64})

// Few places in few indexes, with keys that need to be escaped, or begin alike.
var (
	indexNames       = []string{"i", "j"}
	secondaryKeys    = []string{"", "\x00", "x", "x\x00", "x\x00\x01", "x/y", "x/y/z", "xx", "é"}
	secondaryKeyWith = rapid.SampledFrom(secondaryKeys)
)

func indexGenerator() *rapid.Generator[*api.SecondaryIndex] {
	return rapid.Custom(func(t *rapid.T) *api.SecondaryIndex {
		return &api.SecondaryIndex{
			IndexName:    rapid.SampledFrom(indexNames).Draw(t, "index"),
			SecondaryKey: secondaryKeyWith.Draw(t, "secondary key"),
		}
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
		switch rapid.IntRange(0, 23).Draw(t, "payload kind") {
		case 0:
			return mustBarrier(settingsGenerator().Draw(t, "settings"))
		case 1:
			return WritePayload(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 2:
			return mustPayload(&api.WriteRequest{Puts: []*api.PutRequest{{Key: "a", SequenceKeyDelta: []uint64{1}}}})
		case 3:
			return TransactionPayload(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 7, 8:
			return sessionPayloadGenerator().Draw(t, "session")
		case 12, 13:
			return oncePayloadGenerator().Draw(t, "named")
		case 14:
			return payloadOf(KindOnce, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 10:
			return TrimNotificationsPayload(rapid.Int64Range(-1, 12).Draw(t, "trimmed"))
		case 11:
			return payloadOf(KindAdministrative, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 9:
			return payloadOf(KindSession, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "junk"))
		case 4, 5, 6:
			return mustTransaction(transactionGenerator().Draw(t, "transaction"))
		}
		return mustPayload(writeGenerator().Draw(t, "write"))
	})
}

// settingsGenerator draws the settings of a shard, or none.
func settingsGenerator() *rapid.Generator[*api.ShardSettings] {
	return rapid.Custom(func(t *rapid.T) *api.ShardSettings {
		return &api.ShardSettings{
			Namespace:             rapid.SampledFrom([]string{"", "default"}).Draw(t, "namespace"),
			KeyOrder:              api.KeyOrder(rapid.Int32Range(0, 2).Draw(t, "order")),
			NotificationsDisabled: rapid.Bool().Draw(t, "no notifications"),
		}
	})
}

func mustBarrier(settings *api.ShardSettings) []byte {
	body, err := proto.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return append(BarrierPayload(), body...)
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
		if rapid.Bool().Draw(t, "begins with a barrier") {
			entries[0].Payload = mustBarrier(settingsGenerator().Draw(t, "settings"))
		}
		return entries
	})
}
