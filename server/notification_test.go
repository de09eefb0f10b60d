package server

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// notifications opens a stream of them.
func (c *testCluster) notifications(ctx context.Context, s *api.ShardAssignment, after *int64) api.OxiaClient_GetNotificationsClient {
	c.t.Helper()
	stream, err := c.client(s.GetLeader()).GetNotifications(ctx, &api.NotificationsRequest{Shard: s.GetShard(), StartOffsetExclusive: after})
	if err != nil {
		c.t.Fatal(err)
	}
	return stream
}

func TestNotificationsBeginAtThePresentAndResume(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	if _, err := c.write(s, routed(s, "before", "v")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	stream := c.notifications(ctx, s, nil)
	anchor, err := stream.Recv()
	if err != nil || len(anchor.GetNotifications()) != 0 || anchor.GetOffset() < 2 {
		t.Fatalf("the first batch is %v, %v", anchor, err)
	}
	const writes = 20
	for i := range writes {
		if _, err := c.write(s, routed(s, fmt.Sprint("k", i), "v")); err != nil {
			t.Fatal(err)
		}
	}
	middle := int64(0)
	last := anchor.GetOffset()
	for i := range writes {
		batch, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if n := batch.GetNotifications(); len(n) != 1 || n[0].GetKey() != fmt.Sprint("k", i) ||
			n[0].GetValue().GetType() != api.NotificationType_KEY_CREATED || batch.GetOffset() <= last {
			t.Fatalf("batch %d is %v, after offset %d", i, batch, last)
		}
		last = batch.GetOffset()
		if i == writes/2 {
			middle = last
		}
	}
	cancel()

	again := c.notifications(c.ctx, s, &middle)
	for i := writes/2 + 1; i < writes; i++ {
		batch, err := again.Recv()
		if err != nil || batch.GetNotifications()[0].GetKey() != fmt.Sprint("k", i) {
			t.Fatalf("after the resumption comes %v, %v, want k%d", batch, err, i)
		}
	}
}

func TestGapOfNotificationsIsTold(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	c.fill(s, 5, 1)
	leader := c.serverAt(s.GetLeader())
	leader.config.NotificationRetention = time.Nanosecond
	if _, err := leader.trimShard(leader.replicas(), replication.ShardID(s.GetShard()), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	after := int64(1)
	_, err := c.notifications(c.ctx, s, &after).Recv()
	refusal{codes.OutOfRange, api.ReasonNotificationsTrimmed, []string{"read the records"}}.check(t, "resuming from what is trimmed", err)
	_, details := api.ReasonOf(err)
	resume, err := strconv.ParseInt(details[api.MetadataResumeAfter], 10, 64)
	if err != nil {
		t.Fatalf("the error does not say from where to resume: %v", details)
	}
	stream := c.notifications(c.ctx, s, &resume)
	if _, err := c.write(s, routed(s, "next", "v")); err != nil {
		t.Fatal(err)
	}
	batch, err := stream.Recv()
	if err != nil || batch.GetNotifications()[0].GetKey() != "next" {
		t.Errorf("after the gap comes %v, %v", batch, err)
	}
}

func TestNotificationsThatCannotBe(t *testing.T) {
	off := false
	c := startTestCluster(t,
		&api.Namespace{Name: "default", InitialShardCount: 1, ReplicationFactor: 3},
		&api.Namespace{Name: "silent", InitialShardCount: 1, ReplicationFactor: 3, NotificationsEnabled: &off})
	s, silent := c.first(), c.assignments(c.servers[0], "silent", led)[0]
	future := int64(1 << 40)
	_, err := c.notifications(c.ctx, s, &future).Recv()
	refusal{code: codes.InvalidArgument, names: []string{"start_offset_exclusive"}}.check(t, "an offset of the future", err)
	for _, after := range []*int64{nil, new(int64)} {
		_, err = c.notifications(c.ctx, silent, after).Recv()
		refusal{codes.FailedPrecondition, api.ReasonNotificationsNotEnabled, []string{"silent", "enable"}}.check(t, "a silent namespace", err)
	}
}

// A client that does not read its notifications holds up no write, and misses none.
func TestSlowSubscriberHoldsUpNobody(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	stream := c.notifications(c.ctx, s, nil)
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	const writes = 3000
	c.fill(s, writes, 1)
	for i := range writes {
		batch, err := stream.Recv()
		if err != nil || batch.GetNotifications()[0].GetKey() != fmt.Sprintf("k%05d", i) {
			t.Fatalf("batch %d is %v, %v", i, batch, err)
		}
	}
}

func TestNamedWritesAreDoneOnce(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	client := api.NewOstrakaClient(c.conn(s.GetLeader()))
	name := &api.RequestName{Client: slices.Repeat([]byte{7}, 16), Sequence: 1, Low: 1}
	req := &api.WriteOnceRequest{Shard: s.GetShard(), Write: routed(s, "k", "v"), Name: name}
	for i := range 3 {
		res, err := client.WriteOnce(c.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		if v := res.GetWrite().GetPuts()[0].GetVersion(); v.GetModificationsCount() != 0 || res.GetRepeated() != (i > 0) {
			t.Errorf("time %d: %v", i, res)
		}
	}
	route := inside(s)
	transact := &api.TransactRequest{
		Shard: s.GetShard(), Name: &api.RequestName{Client: name.Client, Sequence: 2, Low: 1},
		Transaction: &api.TransactionRequest{PartitionKey: &route, Operations: []*api.TransactionOperation{
			{Operation: &api.TransactionOperation_Append{Append: &api.TransactionAppend{Key: "k", Value: []byte("w")}}},
		}},
	}
	for range 3 {
		if res, err := client.Transact(c.ctx, transact); err != nil || res.GetStatus() != api.TransactionResponse_COMMITTED {
			t.Fatalf("transact: %v, %v", res, err)
		}
	}
	if got, _, err := c.get(s, "k"); err != nil || got != "vw" {
		t.Errorf("the record is %q, %v", got, err)
	}
	_, err := client.WriteOnce(c.ctx, &api.WriteOnceRequest{Shard: s.GetShard(), Write: routed(s, "k", "v")})
	refusal{code: codes.InvalidArgument, names: []string{"name"}}.check(t, "a write without a name", err)
}
