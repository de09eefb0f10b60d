package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// shown is a shard as operators see it.
type shown struct {
	Shard, Leader string
	Term          int64
	Steady        bool
	Wanted        []string
	Replicas      []struct {
		Server, Place string
		Told          bool
	}
}

// awaitShard returns the cluster's only shard once something holds of it.
func (c *cluster) awaitShard(t *testing.T, what string, holds func(shown) bool) shown {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	var text string
	for time.Now().Before(deadline) {
		var code int
		text, code = say(t, "admin", "shard", "get", "-o", "json", "--admin-address", c.admin)
		var s shown
		if code == 0 && json.Unmarshal([]byte(text), &s) == nil && holds(s) {
			return s
		}
	}
	t.Fatalf("the shard is never %s: %s", what, text)
	return shown{}
}

// spare is the server that holds nothing of the shard.
func (s shown) spare() string {
	for _, name := range []string{"s0", "s1", "s2", "s3"} {
		if !slices.Contains(s.Wanted, name) {
			return name
		}
	}
	return ""
}

// told is of how many replicas something is known.
func (s shown) told() (n int) {
	for _, r := range s.Replicas {
		if r.Told {
			n++
		}
	}
	return n
}

// follower is a server whose replica does not lead.
func (s shown) follower() string {
	return s.Wanted[slices.IndexFunc(s.Wanted, func(name string) bool { return name != s.Leader })]
}

// An operator has a shard led by another, led anew and moved, sees that its replicas agree,
// drains a server, and goes on with what is left of the shard when most of it is lost.
func TestAnOperatorAtWork(t *testing.T) {
	c := startCluster(t, 4, 1)
	admin := func(args ...string) []string { return append(args, "--admin-address", c.admin) }
	steady := func(s shown) bool { return s.Steady && s.Leader != "" }
	before := c.awaitShard(t, "steady", steady)
	want(t, "a    0", "client", "put", "a", "1", "-a", c.public[0])

	to := before.follower()
	want(t, " "+to+" ", admin("admin", "shard", "transfer", "default/0", "--to", to)...)
	transferred := c.awaitShard(t, "led by "+to, func(s shown) bool { return s.Leader == to && s.Term > before.Term })
	want(t, "default/0", admin("admin", "shard", "elect", "0")...)
	c.awaitShard(t, "elected", func(s shown) bool { return s.Leader != "" && s.Term > transferred.Term })

	to, from := before.spare(), before.Wanted[0]
	want(t, to, admin("admin", "shard", "move", "default/0", "--from", from, "--to", to)...)
	moved := c.awaitShard(t, "moved", func(s shown) bool {
		return steady(s) && len(s.Replicas) == 3 && slices.Contains(s.Wanted, to) && !slices.Contains(s.Wanted, from)
	})
	want(t, "1\n", "client", "get", "a", "-a", c.public[0])
	want(t, "1 shards: 1 agrees", admin("admin", "shard", "verify", "--within", "60s")...)

	drained := moved.follower()
	want(t, "draining  0", admin("admin", "dataserver", "drain", drained, "--wait", "--timeout", "60s")...)
	moved = c.awaitShard(t, "elsewhere", func(s shown) bool { return steady(s) && !slices.Contains(s.Wanted, drained) })
	want(t, "SERVER", admin("admin", "balance")...)
	want(t, "running", admin("admin", "dataserver", "undrain", drained)...)

	// While there is a majority nothing is recovered.
	recovery := admin("admin", "shard", "recover", "default/0", "--survivor", moved.Leader)
	if text, code := say(t, recovery...); code == 0 || !strings.Contains(text, "has not lost its majority") {
		t.Fatalf("exit code %d, %q", code, text)
	}
	survivor := moved.Leader
	for i, server := range c.servers {
		if name := []string{"s0", "s1", "s2", "s3"}[i]; slices.Contains(moved.Wanted, name) && name != survivor {
			server.end(t, os.Kill)
		}
	}
	c.awaitShard(t, "lost", func(s shown) bool { return !s.Steady && s.told() == 1 })
	want(t, "nothing was done", recovery...)
	want(t, "RECOVERED", append(recovery, "--unsafe", "--confirm", "default/0", "--timeout", "60s")...)
	c.awaitShard(t, "led by the survivor", func(s shown) bool { return s.Leader == survivor })
	want(t, "was recovered unsafely", admin("admin", "status")...)
}
