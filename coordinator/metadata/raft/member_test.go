package raft

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/conformance"
)

// Whatever step of a write a member dies after, the others have the old state or the
// new one.
func TestCrashAtEveryStep(t *testing.T) {
	for _, leads := range []bool{true, false} {
		t.Run(fmt.Sprintf("leads=%v", leads), func(t *testing.T) { crashAtEveryStep(t, leads) })
	}
}

func crashAtEveryStep(t *testing.T, leads bool) {
	conformance.RunCrashes(t, func(t *testing.T) conformance.Crashing {
		c := newCluster(t, 3)
		survivors := 0
		doomed := c.leader()
		if !leads {
			doomed = c.follower()
		}
		others := []*node{}
		for _, n := range c.members {
			if n != doomed {
				others = append(others, n)
			}
		}
		return conformance.Crashing{
			Open: func() metadata.Provider {
				survivors++
				return &shared{Member: others[survivors%2].Member}
			},
			Doomed: func(steps int) metadata.Provider {
				doomed.dying.Store(int64(steps) + 1)
				return &mortal{shared: shared{Member: doomed.Member}, killed: doomed.killed}
			},
		}
	})
}

// landsWithin is how long a message may be on its way between members of one process.
const landsWithin = 200 * time.Millisecond

// mortal is a provider whose calls end when it is answered or killed, however long the
// first takes: on a slow machine it is not taken for dead.
type mortal struct {
	shared
	killed *atomic.Bool
}

func (p *mortal) Update(_ context.Context, changes []metadata.Change) []error {
	ctx, cancel := p.life()
	defer cancel()
	return p.shared.Update(ctx, changes)
}

func (p *mortal) WriteLease(_ context.Context, lease metadata.Lease, version int64) error {
	ctx, cancel := p.life()
	defer cancel()
	return p.shared.WriteLease(ctx, lease, version)
}

func (p *mortal) life() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	go func() {
		for ctx.Err() == nil && !p.killed.Load() {
			time.Sleep(time.Millisecond)
		}
		// What it sent before it died may yet happen: until then nobody looks.
		over := time.NewTimer(landsWithin)
		defer over.Stop()
		select {
		case <-over.C:
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx, cancel
}

// counter counts up in a document, and knows what was acknowledged.
type counter struct {
	key          string
	acknowledged int
	attempts     int
}

// count adds one, on some member that is up, until the context is done.
func (w *counter) count(ctx context.Context, members func() *Member) {
	for ctx.Err() == nil {
		m := members()
		if m == nil {
			time.Sleep(time.Millisecond)
			continue
		}
		calling, cancel := context.WithTimeout(ctx, 2*time.Second)
		found, err := m.Read(calling, []string{w.key})
		if err == nil {
			now := 0
			if d := found[w.key]; d.Version > 0 {
				_, _ = fmt.Sscanf(string(d.Value), `{"n":%d}`, &now)
			}
			w.attempts++
			if err = m.Update(calling, []metadata.Change{{Key: w.key, Value: value(now + 1), Version: found[w.key].Version}})[0]; err == nil {
				w.acknowledged++
			}
		}
		cancel()
	}
}

// Members are killed, the leader above all, and come back with what was durable: every
// count that was acknowledged is there, and no other but those of unknown outcome.
func TestLeadersKilledAmidUpdates(t *testing.T) {
	c := newCluster(t, 3)
	c.leader()
	var mu sync.RWMutex // is held while a member is down or comes up
	up := make([]*Member, len(c.members))
	for i, n := range c.members {
		up[i] = n.Member
	}
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	counters := make([]counter, 6)
	for i := range counters {
		counters[i].key = fmt.Sprintf("count/%d", i)
		wait.Go(func() {
			counters[i].count(ctx, func() *Member {
				mu.RLock()
				defer mu.RUnlock()
				return up[(i+rand.IntN(2))%len(up)]
			})
		})
	}
	for range 4 {
		victim := c.leader()
		for i, n := range c.members {
			if n == victim {
				mu.Lock()
				up[i] = nil
				mu.Unlock()
				victim.kill()
				c.leader()
				victim.start()
				mu.Lock()
				up[i] = n.Member
				mu.Unlock()
			}
		}
	}
	c.put(c.leader(), "done", value(1), 0)
	stop()
	wait.Wait()
	for _, w := range counters {
		found, err := c.members[0].Read(c.ctx(), []string{w.key})
		if err != nil {
			t.Fatal(err)
		}
		counted, version := 0, int(found[w.key].Version)
		_, _ = fmt.Sscanf(string(found[w.key].Value), `{"n":%d}`, &counted)
		if counted != version || counted < w.acknowledged || counted > w.attempts {
			t.Errorf("%s counted to %d in version %d; %d of %d were acknowledged", w.key, counted, version, w.acknowledged, w.attempts)
		}
		if w.acknowledged == 0 {
			t.Errorf("%s never counted", w.key)
		}
	}
}

// All members crash at once, again and again: nothing acknowledged is lost.
func TestAllCrashAndComeBack(t *testing.T) {
	for _, members := range []int{1, 3} {
		t.Run(fmt.Sprint(members), func(t *testing.T) {
			c := newCluster(t, members)
			for round := range 4 {
				c.put(c.members[round%members], "x", value(round), int64(round))
				lease := metadata.Lease{Holder: "a", Run: uint64(round)}
				if err := c.members[0].WriteLease(c.ctx(), lease, int64(round)); err != nil {
					t.Fatal(err)
				}
				for _, n := range c.members {
					n.killed.Store(true)
				}
				for _, n := range c.members {
					n.kill()
				}
				for _, n := range c.members {
					n.start()
				}
				c.want(c.members[(round+1)%members], "x", value(round), int64(round)+1)
				if now, version, err := c.members[0].ReadLease(c.ctx()); err != nil || now != lease || version != int64(round)+1 {
					t.Fatalf("the lease is %+v in version %d (%v)", now, version, err)
				}
			}
		})
	}
}

// A leader that is cut off answers nothing, what it was asked is unknown at most, and it
// goes on with the others when it can.
func TestLeaderIsCutOff(t *testing.T) {
	c := newCluster(t, 3)
	old := c.leader()
	c.put(old, "x", value(1), 0)
	old.isolate(true)
	next := c.leader()
	if next == old {
		t.Fatal("it leads on")
	}
	c.put(next, "x", value(2), 1)
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if found, err := old.Read(short, []string{"x"}); err == nil {
		t.Errorf("who is cut off read %s", found["x"].Value)
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	err := old.Update(short, []metadata.Change{{Key: "y", Value: value(1)}})[0]
	if err == nil || errors.Is(err, metadata.ErrConflict) {
		t.Errorf("who is cut off stored: %v", err)
	}
	eventually(t, "notice of the missing leader", func() bool {
		now, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := old.Read(now, []string{"x"})
		return err != nil && strings.Contains(err.Error(), errNoLeader.Error())
	})
	old.isolate(false)
	c.want(old, "x", value(2), 2)
	c.put(old, "y", value(3), c.version(old, "y"))
}

func (c *cluster) version(on *node, key string) int64 {
	c.t.Helper()
	found, err := on.Read(c.ctx(), []string{key})
	if err != nil {
		c.t.Fatal(err)
	}
	return found[key].Version
}

// What is on its way to a leader whose process ends is asked of the next, and made once.
func TestDyingLeadersTakeNoCallsAlong(t *testing.T) {
	c := newCluster(t, 3)
	for round := range int64(5) {
		leader, n := c.leader(), c.follower()
		ctx, stored := c.ctx(), make(chan error, 1)
		go func() {
			stored <- n.Update(ctx, []metadata.Change{{Key: "x", Value: value(int(round)), Version: round}})[0]
		}()
		leader.die()
		if err := <-stored; err != nil {
			t.Fatal(err)
		}
		c.want(n, "x", value(int(round)), round+1)
		leader.kill()
		leader.start()
	}
}

// A call that reaches a member without a quorum is answered when there is one.
func TestCallsWaitForTheCluster(t *testing.T) {
	c := newCluster(t, 3)
	c.put(c.leader(), "x", value(1), 0)
	one := c.members[0]
	c.members[1].close()
	c.members[2].close()
	stored := make(chan error, 1)
	ctx := c.ctx()
	go func() {
		stored <- one.Update(ctx, []metadata.Change{{Key: "x", Value: value(2), Version: 1}})[0]
	}()
	eventually(t, "loss of the leader", func() bool { return one.Leader() == "" })
	c.members[2].start()
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
	c.want(c.members[2], "x", value(2), 2)
}

// A member that was away while the log was trimmed is sent a snapshot; and what it gave
// up itself is known to it from there.
func TestMemberThatWasAwayIsSentASnapshot(t *testing.T) {
	c := newCluster(t, 3)
	away := c.follower()
	away.close()
	leader := c.leader()
	changes := make([]metadata.Change, 0, 100)
	for i := range 10 {
		changes = append(changes, metadata.Change{Key: fmt.Sprintf("large/%d", i), Value: fmt.Appendf(nil, "%q", strings.Repeat("v", 64<<10))})
	}
	for version := range int64(3) {
		for i := range changes {
			changes[i].Version = version
		}
		for _, err := range leader.Update(c.ctx(), changes) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	away.start()
	for i := range changes {
		c.want(away, changes[i].Key, changes[i].Value, 3)
	}
	c.put(away, "own", value(1), 0)
	// It has it durably.
	away.kill()
	away.start()
	c.want(away, "large/9", changes[9].Value, 3)
	if entries := logLength(t, leader); entries > 2*testKeepEntries {
		t.Errorf("the log has %d entries", entries)
	}
}

// logLength closes a member, and returns how many entries its log has.
func logLength(t *testing.T, n *node) int {
	t.Helper()
	n.close()
	opened, content := n.openDisk(t)
	entries := len(content.Entries)
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	n.start()
	return entries
}

// However often the lease is renewed, the log has an end.
func TestRenewalsDoNotFillTheLog(t *testing.T) {
	c := newCluster(t, 1)
	n := c.members[0]
	const renewals = 5 * testKeepEntries
	for version := range int64(renewals) {
		if err := n.WriteLease(c.ctx(), metadata.Lease{Holder: "a", Beat: uint64(version)}, version); err != nil {
			t.Fatal(err)
		}
	}
	if entries := logLength(t, n); entries > 2*testKeepEntries+2 || entries < testKeepEntries {
		t.Errorf("the log has %d entries after %d renewals", entries, renewals)
	}
	if lease, version, err := n.ReadLease(c.ctx()); err != nil || version != renewals || lease.Beat != renewals-1 {
		t.Errorf("%+v in version %d (%v)", lease, version, err)
	}
}

// A member that lost its disk is another, which the others take in; and the one that it
// was is refused if its directory comes back.
func TestLostDirectoryComesBackAsAnotherMember(t *testing.T) {
	c := newCluster(t, 3)
	for round := range 3 {
		c.put(c.leader(), "x", value(round), int64(round))
		lost := c.members[round]
		before, identity := lost.fs, lost.identity.Load().Member
		lost.close()
		lost.fs = vfs.NewCrashableMem()
		lost.start()
		if lost.identity.Load().Member == identity {
			t.Fatal("it came back as who it was")
		}
		c.want(lost, "x", value(round), int64(round)+1)
		eventually(t, "new member", func() bool {
			members, _ := lost.state.Members()
			return len(members) == 3 && members[lost.identity.Load().Member] == lost.address && members[identity] == ""
		})
		if round > 0 {
			continue
		}
		// The directory is found again.
		replacement := lost.fs
		lost.close()
		lost.fs = before
		lost.start()
		eventually(t, "refusal", func() bool {
			_, err := lost.Read(t.Context(), []string{"x"})
			return err != nil && strings.Contains(err.Error(), "another member has taken the place")
		})
		lost.close()
		lost.fs = replacement
		lost.start()
		c.want(lost, "x", value(round), int64(round)+1)
	}
}

// Two of three lost their disks: the third does not make them members on its own.
func TestMostOfTheMembersCannotBeReplaced(t *testing.T) {
	c := newCluster(t, 3)
	c.put(c.leader(), "x", value(1), 0)
	for _, lost := range c.members[:2] {
		lost.close()
		lost.fs = vfs.NewCrashableMem()
	}
	for _, lost := range c.members[:2] {
		lost.start()
	}
	for _, n := range c.members {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := n.Read(short, []string{"x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s answers: %v", n.address, err)
		}
		cancel()
	}
}

// A directory that was put back from a copy lacks what the member vouched for: it is
// found out, and does not go on.
func TestOlderDirectoryIsFoundOut(t *testing.T) {
	c := newCluster(t, 3)
	c.put(c.leader(), "x", value(1), 0)
	n := c.follower()
	n.close()
	older := n.fs.CrashClone(vfs.CrashCloneCfg{})
	n.start()
	for i := range int64(20) {
		c.put(n, "x", value(int(i)), i+1)
	}
	n.kill()
	n.fs = older
	n.start()
	eventually(t, "refusal", func() bool {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := n.Read(short, []string{"x"})
		return err != nil && strings.Contains(err.Error(), "put back from a copy")
	})
	c.want(c.leader(), "x", value(19), 21)
}

// What does not fit is refused, and said to be.
func TestFullStoreRefuses(t *testing.T) {
	c := newCluster(t, 1)
	n := c.members[0]
	large := fmt.Appendf(nil, "%q", strings.Repeat("v", testStateBytes/16))
	var err error
	stored := 0
	for ; stored < 17 && err == nil; stored++ {
		err = n.Update(c.ctx(), []metadata.Change{{Key: fmt.Sprint(stored), Value: large}})[0]
	}
	if err == nil || !strings.Contains(err.Error(), "delete what is not needed") {
		t.Fatalf("stored %d: %v", stored, err)
	}
	// What is there can be changed.
	c.put(n, "1", large, 1)
	if err := n.Update(c.ctx(), []metadata.Change{{Key: "0", Version: 1}})[0]; err != nil {
		t.Fatal(err)
	}
	c.put(n, "again", large, 0)
}
