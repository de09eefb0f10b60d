package storage

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// putsUpTo are entries that each put another key, with a value of so many bytes
// that do not compress.
func putsUpTo(last, valueBytes int) []replication.Entry {
	rng := rand.NewChaCha8([32]byte{3})
	entries := entriesUpTo(int64(last))
	for i := range entries {
		value := make([]byte, valueBytes)
		_, _ = rng.Read(value) // never fails
		body, err := proto.Marshal(&api.WriteRequest{Puts: []*api.PutRequest{{Key: fmt.Sprintf("%04d", i), Value: value}}})
		if err != nil {
			panic(err)
		}
		entries[i].Payload = kv.WritePayload(body)
	}
	return entries
}

func mustApply(t *testing.T, m *Machine, shard replication.ShardID, entries []replication.Entry) {
	t.Helper()
	m.Apply(shard, entries)
	if done, _ := m.Take(); len(done) != 1 || m.Failed() != nil {
		t.Fatalf("applied %+v, %v", done, m.Failed())
	}
}

// mustDigest returns the digest of a shard and the entry that it belongs to.
func mustDigest(t *testing.T, d *Disk) string {
	t.Helper()
	digest, applied, err := d.State().Digest(kv.ShardID(shardID))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(applied, digest)
}

// member is one who is sent a snapshot: it asks for a part when it has the one
// before.
type member struct {
	shard    replication.ShardID
	id       replication.ReadID
	received int
	done     bool
}

const partBytes = 32 << 10

func (m *member) next(part replication.SnapshotPart) replication.ExportAsk {
	m.received += len(part.Data)
	m.done = part.Final
	return replication.ExportAsk{ID: m.id, Last: part.Last, Position: part.Position + int64(len(part.Data)), MaxBytes: partBytes}
}

// sendAll sends each member its snapshot, with no other clock than what the machine
// wants. It returns when the last was done, and what was answered when.
func sendAll(t *testing.T, m *Machine, members []*member) (time.Duration, []string) {
	t.Helper()
	var trace []string
	begun := replication.Instant(1)
	now := begun
	m.Work(now)
	for _, to := range members {
		m.Export(to.shard, replication.ExportAsk{ID: to.id, MaxBytes: partBytes})
	}
	for range 100_000 {
		done, _ := m.Take()
		for _, c := range done {
			exported := c.Event.(replication.Exported)
			to := members[exported.ID-1]
			if exported.Gone || to.shard != c.Shard || to.done {
				t.Fatalf("%+v for member %+v", exported, to)
			}
			trace = append(trace, fmt.Sprint(now, c.Shard, exported.ID, exported.Part.Position))
			if ask := to.next(exported.Part); !to.done {
				m.Export(to.shard, ask)
			}
		}
		if len(m.exports.sending) > maxSending {
			t.Fatalf("%d snapshots are sent at a time", len(m.exports.sending))
		}
		left := 0
		for _, to := range members {
			if !to.done {
				left++
			}
		}
		if left == 0 {
			return now.Sub(begun), trace
		}
		if len(done) == 0 {
			next := m.Work(now)
			if next <= now || m.Failed() != nil {
				t.Fatalf("nothing to do at %d, next at %d, %v", now, next, m.Failed())
			}
			now = next
			m.Work(now)
		}
	}
	t.Fatal("the snapshots come to no end")
	return 0, nil
}

// Many more members than snapshots that are sent at a time all get theirs, at the
// rate, in the same order whenever it is done again.
func TestSnapshotsShareTheRateAndComeToAnEnd(t *testing.T) {
	const shards, rate = 3 * maxSending, 2 << 20
	var traces [2][]string
	for i := range traces {
		d := openWith(t, Options{FS: vfs.Default, Dir: t.TempDir(), SnapshotRate: rate})
		var members []*member
		for shard := range replication.ShardID(shards) {
			mustApply(t, d.Machine(), shard, putsUpTo(12, 16<<10))
			members = append(members, &member{shard: shard, id: replication.ReadID(len(members) + 1)})
		}
		took, trace := sendAll(t, d.Machine(), members)
		traces[i] = trace
		bytes := 0
		for _, m := range members {
			bytes += m.received
		}
		if bytes < shards*12*16<<10 {
			t.Errorf("%d bytes were sent", bytes)
		}
		ideal := time.Duration(float64(bytes) / rate * float64(time.Second))
		t.Logf("%d bytes in %v, ideally %v", bytes, took, ideal)
		if took < ideal-2*throttleBurst || took > ideal+time.Second {
			t.Errorf("%d bytes took %v at %d per second", bytes, took, rate)
		}
		mustClose(t, d)
	}
	if !reflect.DeepEqual(traces[0], traces[1]) {
		t.Error("the second time it went another way")
	}
}

// Without a rate every part is answered at once.
func TestPartsAreAnsweredAtOnceWithoutARate(t *testing.T) {
	d := openForTest(t, t.TempDir())
	defer mustClose(t, d)
	mustApply(t, d.Machine(), shardID, putsUpTo(12, 16<<10))
	to := &member{shard: shardID, id: 1}
	if took, _ := sendAll(t, d.Machine(), []*member{to}); took != 0 || to.received == 0 {
		t.Errorf("%d bytes took %v", to.received, took)
	}
}

// Members that fell silent make room, after a while, for those that wait.
func TestSilentMembersMakeRoom(t *testing.T) {
	d := openForTest(t, t.TempDir())
	defer mustClose(t, d)
	m := d.Machine()
	m.Work(1)
	for shard := range replication.ShardID(maxSending + 1) {
		mustApply(t, m, shard, putsUpTo(2, 16<<10))
	}
	for shard := range replication.ShardID(maxSending + 1) {
		m.Export(shard, replication.ExportAsk{ID: 1, MaxBytes: 100})
	}
	if done, _ := m.Take(); len(done) != maxSending {
		t.Fatalf("%d snapshots were begun", len(done))
	}
	for range 3 {
		m.Work(m.now.Add(idleSnapshots))
	}
	done, _ := m.Take()
	if len(done) != 1 || done[0].Shard != maxSending || done[0].Event.(replication.Exported).Gone {
		t.Errorf("answered %+v", done)
	}
}

// What was asked of a shard before it is deleted is answered from what it was, and
// first, whatever the rate.
func TestDeletionComesAfterWhatWasAsked(t *testing.T) {
	d := openWith(t, Options{FS: vfs.Default, Dir: t.TempDir(), SnapshotRate: MinSnapshotRate})
	defer mustClose(t, d)
	m := d.Machine()
	m.Work(1)
	mustApply(t, m, shardID, putsUpTo(20, 16<<10))
	m.Export(shardID, replication.ExportAsk{ID: 1, MaxBytes: 1 << 20})
	m.Export(shardID, replication.ExportAsk{ID: 2, MaxBytes: 10})
	if done, _ := m.Take(); len(done) != 1 {
		t.Fatalf("answered %d, want the first alone", len(done))
	}
	m.Delete(shardID)
	done, _ := m.Take()
	if len(done) != 2 || m.Failed() != nil {
		t.Fatalf("answered %+v, %v", done, m.Failed())
	}
	if exported, ok := done[0].Event.(replication.Exported); !ok || exported.ID != 2 || len(exported.Part.Data) != 10 {
		t.Errorf("first came %+v", done[0].Event)
	}
	if _, ok := done[1].Event.(replication.Deleted); !ok {
		t.Errorf("then came %+v", done[1].Event)
	}
}

// A link that breaks at every other part, on the way or on the way back, costs
// those parts and no others: the stream goes on where the receiver says.
func TestSnapshotsResumeWhereTheLinkBroke(t *testing.T) {
	from, to := openForTest(t, t.TempDir()), openForTest(t, t.TempDir())
	defer mustClose(t, from)
	defer mustClose(t, to)
	mustApply(t, from.Machine(), shardID, putsUpTo(30, 16<<10))
	mustApply(t, to.Machine(), shardID, entriesUpTo(3))
	rng := rand.New(rand.NewPCG(4, 4))

	ask := replication.ExportAsk{ID: 1}
	kept, sent, broken := int64(0), int64(0), 0
	for range 10_000 {
		ask.MaxBytes = 1 + rng.IntN(48<<10)
		from.Machine().Export(shardID, ask)
		done, _ := from.Machine().Take()
		part := done[0].Event.(replication.Exported).Part
		sent += int64(len(part.Data))
		ask.Last = part.Last
		if rng.IntN(3) == 0 { // lost on the way: the same again, or from further back
			broken++
			if kept > 0 && rng.IntN(2) == 0 {
				ask.Position = rng.Int64N(kept)
			}
			continue
		}
		to.Machine().Import(shardID, part)
		done, _ = to.Machine().Take()
		imported := done[0].Event.(replication.Imported)
		if imported.Position < kept {
			t.Fatalf("%d bytes are kept, and were %d", imported.Position, kept)
		}
		kept = imported.Position
		if imported.Installed {
			if a, b := mustDigest(t, from), mustDigest(t, to); a != b {
				t.Errorf("installed %s, want %s", b, a)
			}
			t.Logf("%d bytes, sent as %d, with %d breaks", kept, sent, broken)
			if broken == 0 {
				t.Error("the link never broke")
			}
			return
		}
		if rng.IntN(3) > 0 { // otherwise the answer is lost, and the part is sent twice
			ask.Position = kept
		} else {
			broken++
		}
	}
	t.Fatal("the snapshot comes to no end")
}
