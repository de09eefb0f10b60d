package chaos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/internal/cluster"
)

// What a client sees while the server that leads its shard is lost: the longest time in
// which none of its writes was acknowledged. Run with -benchtime 20x for the median of
// 20 losses.
func BenchmarkFailover(b *testing.B) {
	for _, loss := range []struct {
		name string
		// direct leaves the proxies out: they cost time, and only cuts need them.
		direct bool
		strike func(c *cluster.Cluster, leader *cluster.Member) error
	}{
		{"kill", true, func(_ *cluster.Cluster, leader *cluster.Member) error { return leader.Kill() }},
		{"pause", true, func(_ *cluster.Cluster, leader *cluster.Member) error { return leader.Pause() }},
		{"restart", true, func(_ *cluster.Cluster, leader *cluster.Member) error { return leader.Terminate(terminateWithin) }},
		{"cut", false, func(c *cluster.Cluster, leader *cluster.Member) error {
			c.Isolate(leader.Name, true)
			return nil
		}},
		{"cut from servers only", false, func(c *cluster.Cluster, leader *cluster.Member) error {
			c.Isolate(leader.Name, false)
			return nil
		}},
	} {
		b.Run(loss.name, func(b *testing.B) {
			f := beginFailovers(b, loss.direct)
			var gaps []time.Duration
			for range b.N {
				leader := f.settledLeader(b)
				struck := time.Now()
				if err := loss.strike(f.cluster, leader); err != nil {
					b.Fatal(err)
				}
				f.await(b, func() bool { return f.acked(struck.Add(100*time.Millisecond)) > 100 })
				gaps = append(gaps, f.gap(struck))
				if err := f.cluster.Recover(); err != nil {
					b.Fatal(err)
				}
			}
			f.end(b)
			slices.Sort(gaps)
			b.ReportMetric(milliseconds(gaps[len(gaps)/2]), "median-gap-ms")
			b.ReportMetric(milliseconds(gaps[len(gaps)-1]), "max-gap-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkFollowerLoss holds the latencies of writes before and after the death of a
// follower beside each other.
func BenchmarkFollowerLoss(b *testing.B) {
	f := beginFailovers(b, true)
	const window = 2 * time.Second
	var before, after []time.Duration
	for range b.N {
		leader := f.settledLeader(b)
		begun := time.Now()
		sleepUntil(b.Context(), begun.Add(window))
		struck := time.Now()
		for _, s := range f.cluster.Servers() {
			if s != leader {
				if err := s.Kill(); err != nil {
					b.Fatal(err)
				}
				break
			}
		}
		sleepUntil(b.Context(), struck.Add(window))
		before = append(before, f.latencies(begun, struck)...)
		after = append(after, f.latencies(struck, time.Now())...)
		if err := f.cluster.Recover(); err != nil {
			b.Fatal(err)
		}
	}
	f.end(b)
	for name, latencies := range map[string][]time.Duration{"before": before, "after": after} {
		slices.Sort(latencies)
		b.ReportMetric(milliseconds(latencies[len(latencies)/2]), name+"-p50-ms")
		b.ReportMetric(milliseconds(latencies[len(latencies)*99/100]), name+"-p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// failovers is a cluster under load. Writers raise a number each, and a reader sees to
// it that none is read lower than it was acknowledged before.
type failovers struct {
	cluster *cluster.Cluster
	client  *client.Client
	stop    context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	acks  []ack
	stale error
}

// ack is an acknowledged write.
type ack struct{ asked, answered time.Time }

const writers = 4

func beginFailovers(b *testing.B, direct bool) *failovers {
	b.Helper()
	c, err := cluster.Start(cluster.Options{
		Binaries: programs(b), Dir: b.TempDir(), Servers: 3, Coordinators: 2, Direct: direct, Seed: 3000,
	})
	if err != nil {
		b.Fatal(err)
	}
	f := &failovers{cluster: c}
	b.Cleanup(func() { c.Close() })
	if f.client, err = connect(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	f.stop = stop
	for i := range writers {
		f.running.Go(func() { f.write(ctx, fmt.Sprintf("number/%d", i)) })
	}
	return f
}

// write raises a number, and reads it back each few times.
func (f *failovers) write(ctx context.Context, key string) {
	var number, acknowledged uint64
	for ctx.Err() == nil {
		number++
		asked := time.Now()
		_, err := f.client.Put(ctx, key, binary.BigEndian.AppendUint64(nil, number))
		if err == nil {
			acknowledged = number
			f.mu.Lock()
			f.acks = append(f.acks, ack{asked, time.Now()})
			f.mu.Unlock()
		}
		record, err := f.client.Get(ctx, key)
		if err == nil && binary.BigEndian.Uint64(record.Value) < acknowledged {
			f.mu.Lock()
			f.stale = fmt.Errorf("%s was acknowledged as %d, and read as %d", key, acknowledged, binary.BigEndian.Uint64(record.Value))
			f.mu.Unlock()
		}
	}
}

func (f *failovers) end(b *testing.B) {
	b.Helper()
	f.stop()
	f.running.Wait()
	if err := errors.Join(f.stale, f.cluster.Failed(), f.client.Close()); err != nil {
		b.Fatal(err)
	}
}

// patience bounds what a benchmark waits for.
const patience = time.Minute

func (f *failovers) await(b *testing.B, what func() bool) {
	b.Helper()
	for begun := time.Now(); !what(); sleepUntil(b.Context(), time.Now().Add(10*time.Millisecond)) {
		if time.Since(begun) > patience {
			b.Fatal("the cluster did not come back: ", f.cluster.Failed())
		}
	}
}

// acked counts the writes that were asked for since some time and acknowledged.
func (f *failovers) acked(since time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := 0
	for i := len(f.acks) - 1; i >= 0 && f.acks[i].answered.After(since); i-- {
		count++
	}
	return count
}

// gap is the longest time without an acknowledgement, from shortly before a time on.
func (f *failovers) gap(from time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var longest time.Duration
	var last time.Time
	for _, a := range f.acks {
		if !last.IsZero() && a.answered.After(from) {
			longest = max(longest, a.answered.Sub(last))
		}
		last = a.answered
	}
	return longest
}

func (f *failovers) latencies(from, until time.Time) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []time.Duration
	for _, a := range f.acks {
		if a.asked.After(from) && a.answered.Before(until) {
			all = append(all, a.answered.Sub(a.asked))
		}
	}
	return all
}

// settledLeader waits until one server leads, all members of its shard are caught up,
// and writes have been acknowledged for a while.
func (f *failovers) settledLeader(b *testing.B) *cluster.Member {
	b.Helper()
	var leader *cluster.Member
	steady := time.Now()
	f.await(b, func() bool {
		now := f.leader(b.Context())
		if now == nil || now != leader {
			leader, steady = now, time.Now()
			return false
		}
		return time.Since(steady) > time.Second && f.acked(time.Now().Add(-100*time.Millisecond)) > 0
	})
	f.forget()
	f.await(b, func() bool { return f.acked(time.Time{}) > 0 })
	return leader
}

// forget forgets what was acknowledged so far.
func (f *failovers) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acks = nil
}

// leader returns the server that leads the shard with every member close behind it;
// nil if none does.
func (f *failovers) leader(ctx context.Context) *cluster.Member {
	var leader *cluster.Member
	for _, s := range f.cluster.Servers() {
		status, err := statusOf(ctx, s.Public)
		if err != nil {
			return nil
		}
		for _, r := range status.GetReplicas() {
			if !r.GetServing() {
				continue
			}
			leader = s
			for _, m := range r.GetMembers() {
				if !m.GetReachable() || m.GetAckedOffset()+1000 < r.GetHeadOffset() {
					return nil
				}
			}
		}
	}
	return leader
}

// statusOf asks a server what it holds.
func statusOf(ctx context.Context, address string) (*api.GetServerStatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return api.NewOstrakaClient(conn).GetServerStatus(ctx, &api.GetServerStatusRequest{})
}
