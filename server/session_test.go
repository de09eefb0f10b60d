package server

import (
	"fmt"
	"math"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// session creates one.
func (c *testCluster) session(s *api.ShardAssignment, timeoutMs uint32) int64 {
	c.t.Helper()
	res, err := c.client(s.GetLeader()).CreateSession(c.ctx, &api.CreateSessionRequest{
		Shard: s.GetShard(), SessionTimeoutMs: timeoutMs, ClientIdentity: "test",
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return res.GetSessionId()
}

// ephemeral puts a record of a session, and returns what came of it.
func (c *testCluster) ephemeral(s *api.ShardAssignment, key string, session int64) api.Status {
	c.t.Helper()
	req := routed(s, key, "v")
	req.Puts[0].SessionId = &session
	res, err := c.write(s, req)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.GetPuts()[0].GetStatus()
}

func TestSessionsLiveAndEnd(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	client := c.client(s.GetLeader())
	closed, expiring := c.session(s, 60_000), c.session(s, 2000)
	for _, id := range []int64{closed, expiring} {
		if got := c.ephemeral(s, fmt.Sprint("k", id), id); got != api.Status_OK {
			t.Fatalf("an ephemeral record of session %d: %v", id, got)
		}
		if _, err := client.KeepAlive(c.ctx, &api.SessionHeartbeat{Shard: s.GetShard(), SessionId: id}); err != nil {
			t.Errorf("heartbeat of session %d: %v", id, err)
		}
	}
	gone := refusal{codes.NotFound, api.ReasonSessionNotFound, []string{"create another"}}

	end := &api.CloseSessionRequest{Shard: s.GetShard(), SessionId: closed}
	if _, err := client.CloseSession(c.ctx, end); err != nil {
		t.Fatal(err)
	}
	_, err := client.CloseSession(c.ctx, end)
	gone.check(t, "closing a session again", err)
	if _, found, err := c.get(s, fmt.Sprint("k", closed)); err != nil || found != api.Status_KEY_NOT_FOUND {
		t.Errorf("the record of a session that was closed: %v, %v", found, err)
	}

	// The other one is left alone, and goes by itself.
	for {
		_, changed := c.serverAt(s.GetLeader()).replicas().Changed(replication.ShardID(s.GetShard()))
		_, found, err := c.get(s, fmt.Sprint("k", expiring))
		if err != nil {
			t.Fatal(err)
		}
		if found == api.Status_KEY_NOT_FOUND {
			break
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
			t.Fatal("the session did not expire")
		}
	}
	_, err = client.KeepAlive(c.ctx, &api.SessionHeartbeat{Shard: s.GetShard(), SessionId: expiring})
	gone.check(t, "a heartbeat of a session that expired", err)
	if got := c.ephemeral(s, "late", expiring); got != api.Status_SESSION_DOES_NOT_EXIST {
		t.Errorf("an ephemeral record of a session that expired: %v", got)
	}
}

func TestBadSessionsAreRefused(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	client := c.client(s.GetLeader())
	for what, bad := range map[string]struct {
		req *api.CreateSessionRequest
		refusal
	}{
		"a short timeout": {&api.CreateSessionRequest{Shard: s.GetShard(), SessionTimeoutMs: 1999},
			refusal{codes.InvalidArgument, api.ReasonInvalidSessionTimeout, []string{"session_timeout_ms", "2000", "300000"}}},
		"a long timeout": {&api.CreateSessionRequest{Shard: s.GetShard(), SessionTimeoutMs: 300_001},
			refusal{codes.InvalidArgument, api.ReasonInvalidSessionTimeout, nil}},
		"no timeout": {&api.CreateSessionRequest{Shard: s.GetShard()},
			refusal{codes.InvalidArgument, api.ReasonInvalidSessionTimeout, nil}},
		"no such shard": {&api.CreateSessionRequest{Shard: math.MinInt64, SessionTimeoutMs: 5000},
			refusal{codes.NotFound, api.ReasonShardNotFound, nil}},
	} {
		_, err := client.CreateSession(c.ctx, bad.req)
		bad.check(t, what, err)
	}
	for _, id := range []int64{-1, 0, 99, math.MaxInt64} {
		_, err := client.KeepAlive(c.ctx, &api.SessionHeartbeat{Shard: s.GetShard(), SessionId: id})
		refusal{codes.NotFound, api.ReasonSessionNotFound, nil}.check(t, "a heartbeat of no session", err)
	}
}

func TestSequencesAreFollowed(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	stream, err := c.client(s.GetLeader()).GetSequenceUpdates(c.ctx, &api.GetSequenceUpdatesRequest{Shard: s.GetShard(), Key: "seq"})
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for range 5 {
		req := routed(s, "seq", "v")
		req.Puts[0].SequenceKeyDelta = []uint64{1}
		res, err := c.write(s, req)
		if err != nil {
			t.Fatal(err)
		}
		last = res.GetPuts()[0].GetKey()
	}
	for got := ""; got != last; {
		res, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if res.GetHighestSequenceKey() <= got {
			t.Errorf("after %s comes %s", got, res.GetHighestSequenceKey())
		}
		got = res.GetHighestSequenceKey()
	}
	none, err := c.client(s.GetLeader()).GetSequenceUpdates(c.ctx, &api.GetSequenceUpdatesRequest{Shard: s.GetShard()})
	if err == nil {
		_, err = none.Recv()
	}
	refusal{code: codes.InvalidArgument, names: []string{"key"}}.check(t, "a sequence without a prefix", err)
}
