package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/wal"
)

// slowDisk is a disk whose syncs of the log can be made to wait, or to fail.
type slowDisk struct {
	waits atomic.Pointer[chan struct{}]
	fails atomic.Bool
}

func (d *slowDisk) options() storage.Options {
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileSyncData || !strings.Contains(op.Path, "/log/") {
			return nil
		}
		if waits := d.waits.Load(); waits != nil {
			<-*waits
		}
		if d.fails.Load() {
			return syscall.EIO
		}
		return nil
	})
	return storage.Options{FS: errorfs.Wrap(vfs.NewMem(), inject), Dir: "data", Log: wal.Options{MaxQueuedBytes: 1 << 10}}
}

// hold lets syncs wait from now on, until what it returns is called.
func (d *slowDisk) hold() (release func()) {
	waits := make(chan struct{})
	d.waits.Store(&waits)
	return func() {
		d.waits.Store(nil)
		close(waits)
	}
}

func TestSlowDiskHoldsUpNeitherReadsNorOthers(t *testing.T) {
	disks := map[replication.ServerID]*slowDisk{}
	c := startCluster(t, 1, func(id replication.ServerID) storage.Options {
		disks[id] = &slowDisk{}
		return disks[id].options()
	})
	leader := c.leader(0)
	// What is committed is to be applied here before: a leader may serve before its own
	// disk has the first entry of its term.
	if _, err := c.put(leader, 0, "k", "first"); err != nil {
		t.Fatal(err)
	}
	// All disks wait. If the followers' did not, the write would be committed, and a read
	// that came after that would rightly wait for it to be applied.
	var releases []func()
	for _, disk := range disks {
		releases = append(releases, disk.hold())
	}
	waits, err := leader.Write(c.ctx, 0, putPayload(t, "k", strings.Repeat("x", 1<<10)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.get(leader, 0, "k"); err != nil {
		t.Errorf("a read beside a sync that hangs: %v", err)
	}
	// The log has as much to sync as it takes: clients are told so.
	if _, err := c.put(leader, 0, "k", "more"); refusedAs(err) != replication.RefusedOverload {
		t.Errorf("a write to a log that is full ended with %v", err)
	}
	for _, release := range releases {
		release()
	}
	if _, err := c.written(waits); err != nil {
		t.Errorf("the write that waited: %v", err)
	}
	if _, err := c.put(leader, 0, "k", "later"); err != nil {
		t.Errorf("a write after that: %v", err)
	}
}

func TestDiskThatFailsEndsTheHost(t *testing.T) {
	disks := map[replication.ServerID]*slowDisk{}
	c := startCluster(t, 1, func(id replication.ServerID) storage.Options {
		disks[id] = &slowDisk{}
		return disks[id].options()
	})
	leader := c.leader(0)
	disks[leader.Self().ID].fails.Store(true)
	if _, err := c.put(leader, 0, "k", "v"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the write ended with %v", err)
	}
	<-leader.Done()
	if err := leader.Err(); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "sync the log") {
		t.Errorf("the host ended with %v", err)
	}
}

func TestLogLetsGoOfWhatIsFlushed(t *testing.T) {
	c := startCluster(t, 1, func(replication.ServerID) storage.Options {
		return storage.Options{Storage: storage.InMemory, Log: wal.Options{SegmentBytes: 4 << 10}}
	})
	leader := c.leader(0)
	for i := range 20 {
		if _, err := c.put(leader, 0, fmt.Sprint(i), strings.Repeat("x", 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
	before := leader.disk.Log().Usage()
	leader.limits.Bytes = 8 << 10
	if err := leader.retain(false); err != nil {
		t.Fatal(err)
	}
	for state := (replication.ReplicaState{}); state.Base.Offset == 0; {
		var found bool
		if state, found = leader.Replica(0); !found || c.ctx.Err() != nil {
			t.Fatalf("the log was not trimmed: %v", state)
		}
	}
	if _, err := c.put(leader, 0, "k", "v"); err != nil { // its sync removes what nobody holds
		t.Fatal(err)
	}
	if after := leader.disk.Log().Usage(); len(after.Segments) >= len(before.Segments) {
		t.Errorf("%d segments before, %d after", len(before.Segments), len(after.Segments))
	}
	if got, err := c.get(leader, 0, "0"); err != nil || len(got) != 1<<10 {
		t.Errorf("a record whose entry was trimmed: %d bytes, %v", len(got), err)
	}
}

func TestMailboxDropsWhatFindsNoRoom(t *testing.T) {
	m := newMailbox()
	large := replication.Envelope{Message: replication.SnapshotChunk{Data: make([]byte, maxEnvelopeBytes/2)}}
	beat := replication.Envelope{Message: replication.Beat{}}
	m.deliver([]replication.Envelope{large, large, beat})
	if n, dropped := len(m.take(mail{}).envelopes), m.dropped.Load(); n != 2 || dropped != 1 {
		t.Errorf("%d envelopes are there, %d were dropped", n, dropped)
	}
	m.deliver(slices.Repeat([]replication.Envelope{beat}, maxEnvelopes+3))
	if n := len(m.take(mail{}).envelopes); n != maxEnvelopes {
		t.Errorf("%d envelopes are there", n)
	}
	m.close()
	if m.put(func(*mail) {}) {
		t.Error("a closed mailbox took something")
	}
}
