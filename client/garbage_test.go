package client

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// An answer that does not fit its question says nothing about what was done.
func TestAnswersThatDoNotFit(t *testing.T) {
	for name, res := range map[string]*api.WriteResponse{
		"none":            nil,
		"too few":         {Puts: []*api.PutResponse{{}}},
		"too many":        {Puts: []*api.PutResponse{{}, {}, {}}, Deletes: []*api.DeleteResponse{{}}},
		"of another kind": {Puts: []*api.PutResponse{{}, {}}, DeleteRanges: []*api.DeleteRangeResponse{{}}},
	} {
		b := &batch{}
		conf := defaultConfig()
		for _, o := range []*operation{
			{kind: kindPut, put: &api.PutRequest{Key: "a"}}, {kind: kindPut, put: &api.PutRequest{Key: "b"}},
			{kind: kindDelete, del: &api.DeleteRequest{Key: "c"}},
		} {
			o.arm(t.Context(), &conf)
			b.add(o)
		}
		if !b.take(nil) {
			t.Fatal("nobody waits")
		}
		b.answerWrites(res)
		for _, o := range b.ops {
			if <-o.done; !errors.Is(o.err, ErrUnknownOutcome) {
				t.Errorf("%s: %q ended with %v", name, o.key(), o.err)
			}
		}
	}
}

// What servers tell is read without harm, whatever it is.
func FuzzWhatServersTell(f *testing.F) {
	for _, m := range []proto.Message{
		&api.NamespaceShardsAssignment{ShardKeyRouter: api.ShardKeyRouter_XXHASH3, Assignments: []*api.ShardAssignment{
			{ShardBoundaries: &api.ShardAssignment_Int32HashRange{Int32HashRange: &api.Int32HashRange{MaxHashInclusive: 1 << 31}}},
			{Shard: 1, ShardBoundaries: &api.ShardAssignment_Int32HashRange{
				Int32HashRange: &api.Int32HashRange{MinHashInclusive: 1<<31 + 1, MaxHashInclusive: 1<<32 - 1},
			}},
		}},
		&api.NotificationBatch{Offset: 3, Notifications: []*api.NotificationEntry{{Value: &api.Notification{Type: 9}}, {}}},
		&api.GetResponse{Version: &api.Version{VersionId: -1}, Value: []byte{}},
		&api.TransactionResponse{Status: api.TransactionResponse_CONDITION_FAILED},
	} {
		encoded, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		told := &api.NamespaceShardsAssignment{}
		if proto.Unmarshal(encoded, told) == nil {
			if m, err := readShardMap(told); err == nil {
				for _, s := range m {
					if found, holds := m.of(s.hashes.Max); !holds || found.id != s.id {
						t.Errorf("shard %d is not found by its last hash", s.id)
					}
				}
			}
		}
		notifications := &api.NotificationBatch{}
		if proto.Unmarshal(encoded, notifications) == nil {
			if events := readEvents(1, notifications); len(events) > len(notifications.GetNotifications()) {
				t.Errorf("%d events of %d", len(events), len(notifications.GetNotifications()))
			}
		}
		record := &api.GetResponse{}
		if proto.Unmarshal(encoded, record) == nil {
			if r := readRecord(record, "asked"); record.Key == nil && r.Key != "asked" {
				t.Errorf("the key is %q", r.Key)
			}
		}
		result := &api.TransactionResponse{}
		if proto.Unmarshal(encoded, result) == nil {
			if err := transactionError(result); (err == nil) != (result.GetStatus() == api.TransactionResponse_COMMITTED) {
				t.Errorf("status %s is %v", result.GetStatus(), err)
			}
		}
	})
}
