package server

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
)

// Many streams at a time: each is answered in its own order, though their writes meet
// in the shard.
func TestStreamsAreAnsweredInOrderUnderLoad(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	const streams, writes = 4, 1000
	failed := make(chan error, 2*streams)
	for i := range streams {
		stream := c.writeStream(s)
		key := fmt.Sprint("k", i)
		go func() {
			for j := range writes {
				// Each puts only over the one before, whose count it knows.
				req := routed(s, key, fmt.Sprint(j))
				if err := stream.Send(req); err != nil {
					failed <- err
					return
				}
			}
			failed <- stream.CloseSend()
		}()
		go func() {
			last := int64(-1)
			for j := range writes {
				res, err := stream.Recv()
				if err != nil {
					failed <- fmt.Errorf("answer %d: %w", j, err)
					return
				}
				v := res.GetPuts()[0].GetVersion()
				if v.GetModificationsCount() != int64(j) || v.GetVersionId() <= last {
					failed <- fmt.Errorf("answer %d is version %v, after %d", j, v, last)
					return
				}
				last = v.GetVersionId()
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				failed <- fmt.Errorf("after the last answer comes %w", err)
				return
			}
			failed <- nil
		}()
	}
	for range 2 * streams {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// What is refused ends the stream; what came before it is answered, and what came after
// it is not done.
func TestStreamEndsWithTheFirstRefusal(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	stream := c.writeStream(s)
	bad := routed(s, "", "v")
	for _, req := range []*api.WriteRequest{routed(s, "a", "1"), routed(s, "b", "2"), bad, routed(s, "c", "3")} {
		if err := stream.Send(req); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		if _, err := stream.Recv(); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
	_, err := stream.Recv()
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "puts[0].key") {
		t.Errorf("the stream ended with %v", err)
	}
	if _, details := api.ReasonOf(err); details[api.MetadataRest] != api.RestRefused {
		t.Errorf("of the rest it says %v", details)
	}
	if _, found, err := c.get(s, "c"); err != nil || found != api.Status_KEY_NOT_FOUND {
		t.Errorf("the write after the refusal: %v, %v", found, err)
	}
}

func TestServersThatDoNotLeadNameTheLeader(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	for _, other := range c.servers {
		if other.PublicAddress() == s.GetLeader() {
			continue
		}
		// It has the map by the time it has told its clients.
		c.assignments(other, "default", led)
		elsewhere := &api.ShardAssignment{Shard: s.GetShard(), Leader: other.PublicAddress(), ShardBoundaries: s.GetShardBoundaries()}
		_, writeErr := c.write(elsewhere, routed(s, "k", "v"))
		_, _, readErr := c.get(elsewhere, "k")
		for what, err := range map[string]error{"write": writeErr, "read": readErr} {
			reason, details := api.ReasonOf(err)
			if status.Code(err) != codes.Aborted || reason != api.ReasonNodeIsNotLeader || details[api.MetadataLeader] != s.GetLeader() {
				t.Errorf("a %s ended with %v, %v", what, err, details)
			}
		}
	}
}
