package server

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/api"
)

// fill writes numbered records of some bytes each.
func (c *testCluster) fill(s *api.ShardAssignment, records, bytes int) {
	c.t.Helper()
	value, stream := strings.Repeat("x", bytes), c.writeStream(s)
	for i := range records {
		if err := stream.Send(routed(s, fmt.Sprintf("k%05d", i), value)); err != nil {
			_, err = stream.Recv() // says why
			c.t.Fatal(err)
		}
	}
	for range records {
		if _, err := stream.Recv(); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestRangesComeInOrderAndInParts(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	const records = 2500
	c.fill(s, records, 10)
	shard := s.GetShard()

	list, err := c.client(s.GetLeader()).List(c.ctx, &api.ListRequest{Shard: &shard, StartInclusive: "k00010", EndExclusive: "k02000"})
	if err != nil {
		t.Fatal(err)
	}
	next := 10
	for res, err := list.Recv(); !errors.Is(err, io.EOF); res, err = list.Recv() {
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range res.GetKeys() {
			if want := fmt.Sprintf("k%05d", next); key != want {
				t.Fatalf("listed %s, want %s", key, want)
			}
			next++
		}
	}
	if next != 2000 {
		t.Errorf("the list ended before %d", next)
	}

	scan, err := c.client(s.GetLeader()).RangeScan(c.ctx, &api.RangeScanRequest{Shard: &shard})
	if err != nil {
		t.Fatal(err)
	}
	next = 0
	parts := 0
	for res, err := scan.Recv(); !errors.Is(err, io.EOF); res, err = scan.Recv() {
		if err != nil {
			t.Fatal(err)
		}
		parts++
		if n := len(res.GetRecords()); n > api.MaxChunkRecords {
			t.Errorf("a part has %d records", n)
		}
		for _, r := range res.GetRecords() {
			if want := fmt.Sprintf("k%05d", next); r.GetKey() != want || len(r.GetValue()) != 10 {
				t.Fatalf("scanned %s with %d bytes, want %s", r.GetKey(), len(r.GetValue()), want)
			}
			next++
		}
	}
	if next != records || parts < 3 {
		t.Errorf("the scan had %d records in %d parts", next, parts)
	}
}

// A client that begins to scan and does not read holds up nothing: writes, reads and
// other scans go on, and when it reads at last, it sees the moment at which it began.
func TestSlowConsumerHoldsUpNobody(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	const records = 48
	c.fill(s, records, 64<<10) // more than the window lets through unread
	shard := s.GetShard()
	slow, err := c.client(s.GetLeader()).RangeScan(c.ctx, &api.RangeScanRequest{Shard: &shard})
	if err != nil {
		t.Fatal(err)
	}
	first, err := slow.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.write(s, &api.WriteRequest{DeleteRanges: []*api.DeleteRangeRequest{{}}}); err != nil {
		t.Fatal(err)
	}
	if _, found, err := c.get(s, "k00000"); err != nil || found != api.Status_KEY_NOT_FOUND {
		t.Fatalf("read beside a slow scan: %v, %v", found, err)
	}
	got := len(first.GetRecords())
	for res, err := slow.Recv(); !errors.Is(err, io.EOF); res, err = slow.Recv() {
		if err != nil {
			t.Fatal(err)
		}
		got += len(res.GetRecords())
	}
	if got != records {
		t.Errorf("the slow scan had %d records, of %d that were there when it began", got, records)
	}
}

func TestReadsOverOneStream(t *testing.T) {
	c := startTestCluster(t,
		&api.Namespace{Name: "default", InitialShardCount: 1, ReplicationFactor: 3})
	s := c.first()
	c.fill(s, 50, 10)
	shard := s.GetShard()
	stream, err := api.NewOstrakaClient(c.conn(s.GetLeader())).ReadStream(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	missing := int64(99)
	for _, q := range []*api.ReadStreamRequest{
		{Id: 1, Question: &api.ReadStreamRequest_Read{Read: &api.ReadRequest{Shard: &shard, Gets: []*api.GetRequest{{Key: "k00001"}, {Key: "no"}}}}},
		{Id: 2, Question: &api.ReadStreamRequest_List{List: &api.ListRequest{Shard: &shard}}},
		{Id: 3, Question: &api.ReadStreamRequest_RangeScan{RangeScan: &api.RangeScanRequest{Shard: &shard}}},
		{Id: 4, Question: &api.ReadStreamRequest_List{List: &api.ListRequest{Shard: &missing}}},
		{Id: 5},
		{Id: 6, Question: &api.ReadStreamRequest_Cancel{Cancel: true}}, // nobody asked that
	} {
		if err := stream.Send(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	answers, last, failed := map[uint64]int{}, map[uint64]bool{}, map[uint64]string{}
	for res, err := stream.Recv(); !errors.Is(err, io.EOF); res, err = stream.Recv() {
		if err != nil {
			t.Fatal(err)
		}
		if last[res.GetId()] {
			t.Errorf("question %d is answered after its end", res.GetId())
		}
		answers[res.GetId()] += len(res.GetRead().GetGets()) + len(res.GetList().GetKeys()) + len(res.GetRangeScan().GetRecords())
		last[res.GetId()] = res.GetLast()
		if e := res.GetError(); e != nil {
			failed[res.GetId()] = fmt.Sprint(e.GetCode(), " ", e.GetReason())
		}
	}
	if want := map[uint64]int{1: 2, 2: 50, 3: 50, 4: 0, 5: 0}; fmt.Sprint(answers) != fmt.Sprint(want) {
		t.Errorf("answers %v, want %v", answers, want)
	}
	if want := map[uint64]string{4: "5 " + string(api.ReasonShardNotFound), 5: "3 "}; fmt.Sprint(failed) != fmt.Sprint(want) {
		t.Errorf("failed %v, want %v", failed, want)
	}
}
