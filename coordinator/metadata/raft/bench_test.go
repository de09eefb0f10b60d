package raft

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// realCluster is a cluster whose members have directories on the machine's own disk.
func realCluster(b *testing.B, members int) *cluster {
	b.Helper()
	c := &cluster{t: b}
	addresses := freeAddresses(b, members)
	for i, address := range addresses {
		m, err := Open(Options{
			Address: address, Bootstrap: addresses, Dir: fmt.Sprintf("%s/%d", b.TempDir(), i), fs: vfs.Default,
		})
		if err != nil {
			b.Fatal(err)
		}
		n := &node{Member: m, c: c, address: address}
		c.members = append(c.members, n)
		b.Cleanup(n.close)
	}
	return c
}

// What a failover of that many shards waits for, from a member that does not lead.
func BenchmarkUpdate(b *testing.B) {
	for _, documents := range []int{1, 100, 1000, 5000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			c := realCluster(b, 3)
			n := c.follower()
			changes := make([]metadata.Change, documents)
			for i := range changes {
				changes[i] = metadata.Change{Key: fmt.Sprintf("shard/%d", i), Value: fmt.Appendf(nil, "%q", strings.Repeat("x", 400))}
			}
			for version := int64(0); b.Loop(); version++ {
				for i := range changes {
					changes[i].Version = version
				}
				for _, err := range n.Update(b.Context(), changes) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	c := realCluster(b, 3)
	for name, n := range map[string]*node{"leader": c.leader(), "follower": c.follower()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := n.Read(b.Context(), []string{"x"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// How long nothing can be written when the process of the leader ends.
func BenchmarkLeaderKilled(b *testing.B) {
	var longest time.Duration
	for b.Loop() {
		b.StopTimer()
		c := newCluster(b, 3)
		leader, n := c.leader(), c.follower()
		c.put(n, "x", value(1), 0)
		b.StartTimer()
		began := time.Now()
		leader.die()
		c.put(n, "x", value(2), 1)
		longest = max(longest, time.Since(began))
		b.StopTimer()
		for _, n := range c.members {
			n.close()
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
}
