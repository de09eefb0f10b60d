package state

import (
	"bytes"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

const documentLane = 1

func apply(t testing.TB, s *State, data []byte, err error) Effects {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return s.Apply(c)
}

func snapshot(t testing.TB, s *State) []byte {
	t.Helper()
	encoded, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// However often commands are repeated, and wherever a snapshot takes the place of the
// log, the state is that of a map to which each first command was applied.
func TestStateIsWhatAMapWouldBe(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, model := New(), map[string]metadata.Document{}
		s.SetMembers(map[uint64]string{1: "a", 2: "b"}, 1)
		var written [][]byte
		newest := map[Lane]Stamp{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"new", "again", "snapshot"}).Draw(rt, "step") {
			case "new":
				lane := Lane{rapid.Uint64Range(1, 3).Draw(rt, "member"), documentLane}
				stamp := Stamp{rapid.Uint64Range(1, 3).Draw(rt, "run"), rapid.Uint64Range(1, 5).Draw(rt, "sequence")}
				changes := drawChanges(rt)
				data, err := EncodeChanges(lane, stamp, changes)
				effects := apply(t, s, data, err)
				written = append(written, data)
				if want := lane.Member != 3 && stamp.After(newest[lane]); effects.Applied != want {
					rt.Fatalf("%v of %v after %v: applied %v", stamp, lane, newest[lane], effects.Applied)
				} else if !want {
					break
				}
				newest[lane] = stamp
				for i, c := range changes {
					want := changeModel(model, c)
					if got := s.Outcome(lane).Results[i]; got != want {
						rt.Fatalf("change %d of %v: %d, want %d", i, changes, got, want)
					}
				}
			case "again":
				if len(written) > 0 {
					if e := apply(t, s, rapid.SampledFrom(written).Draw(rt, "command"), nil); e.Applied || len(e.Keys) > 0 {
						rt.Fatalf("applied twice: %+v", e)
					}
				}
			case "snapshot":
				again, err := DecodeSnapshot(snapshot(t, s))
				if err != nil {
					rt.Fatal(err)
				}
				if again.Bytes() != s.Bytes() {
					rt.Fatalf("%d bytes, and from the snapshot %d", s.Bytes(), again.Bytes())
				}
				s = New()
				s.Replace(again)
			}
			if got := s.List(""); !maps.EqualFunc(got, model, func(a, b metadata.Document) bool {
				return a.Version == b.Version && bytes.Equal(a.Value, b.Value)
			}) {
				rt.Fatalf("there is %v, want %v", got, model)
			}
		}
	})
}

func drawChanges(rt *rapid.T) []metadata.Change {
	changes := make([]metadata.Change, rapid.IntRange(0, 4).Draw(rt, "changes"))
	for i := range changes {
		changes[i] = metadata.Change{
			Key: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key"), Version: rapid.Int64Range(0, 3).Draw(rt, "version"),
		}
		if changes[i].Version == 0 || rapid.Bool().Draw(rt, "stored") {
			changes[i].Value = fmt.Append(nil, rapid.Int().Draw(rt, "value"))
		}
	}
	return changes
}

func changeModel(model map[string]metadata.Document, c metadata.Change) int64 {
	before := model[c.Key].Version
	switch {
	case before != c.Version:
		return before
	case c.Deletes():
		delete(model, c.Key)
	default:
		model[c.Key] = metadata.Document{Value: c.Value, Version: before + 1}
	}
	return Made
}

func TestLeaseIsComparedAndSet(t *testing.T) {
	s := New()
	s.SetMembers(map[uint64]string{1: "a"}, 1)
	lane := Lane{1, 2}
	for i, c := range []struct{ version, want int64 }{{1, 0}, {0, Made}, {0, 1}, {1, Made}} {
		lease := metadata.Lease{Holder: "c", Address: "c:1", Run: 7, Beat: uint64(i), Released: i == 3}
		data, err := EncodeLease(lane, Stamp{1, uint64(i) + 1}, lease, c.version)
		if e := apply(t, s, data, err); e.Lease != (c.want == Made) || s.Outcome(lane).Results[0] != c.want {
			t.Fatalf("%d: %+v, %v", i, e, s.Outcome(lane))
		}
		if got, version := s.Lease(); c.want == Made && (got != lease || version != c.version+1) {
			t.Fatalf("%d: %+v in version %d", i, got, version)
		}
	}
	again, err := DecodeSnapshot(snapshot(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if lease, version := again.Lease(); version != 2 || !lease.Released || lease.Beat != 3 {
		t.Errorf("from the snapshot: %+v in version %d", lease, version)
	}
}

// Who left is forgotten, and comes too late for ever.
func TestFormerMembersChangeNothing(t *testing.T) {
	s := New()
	s.SetMembers(map[uint64]string{1: "a", 2: "b"}, 1)
	data, err := EncodeChanges(Lane{2, documentLane}, Stamp{1, 1}, []metadata.Change{{Key: "x", Value: []byte("1")}})
	if !apply(t, s, data, err).Applied {
		t.Fatal("a member's command was passed over")
	}
	if gone := s.SetMembers(map[uint64]string{1: "a", 3: "b"}, 9); len(gone) != 1 || gone[0].Member != 2 {
		t.Errorf("forgotten: %v", gone)
	}
	data, err = EncodeChanges(Lane{2, documentLane}, Stamp{1, 2}, []metadata.Change{{Key: "y", Value: []byte("1")}})
	if apply(t, s, data, err).Applied {
		t.Error("applied what a former member asked")
	}
	if members, since := s.Members(); len(members) != 2 || since != 9 {
		t.Errorf("members %v since %d", members, since)
	}
}

func TestDamagedSnapshotIsRefused(t *testing.T) {
	s := New()
	s.SetMembers(map[uint64]string{1: "a"}, 1)
	data, err := EncodeChanges(Lane{1, documentLane}, Stamp{1, 1}, []metadata.Change{{Key: "x", Value: []byte(`"value"`)}})
	apply(t, s, data, err)
	whole := snapshot(t, s)
	for n := range whole {
		if _, err := DecodeSnapshot(whole[:n]); err == nil {
			t.Errorf("taken with %d of %d bytes", n, len(whole))
		}
		damaged := bytes.Clone(whole)
		damaged[n] ^= 0x20
		if _, err := DecodeSnapshot(damaged); err == nil {
			t.Errorf("taken with byte %d changed", n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := EncodeChanges(Lane{1, 1}, Stamp{1, 1}, []metadata.Change{{Key: "x", Value: []byte("1")}, {Key: "y", Version: 3}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	if data, err = EncodeLease(Lane{1, 2}, Stamp{1, 1}, metadata.Lease{Holder: "a"}, 1); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Decode(data)
		if err != nil {
			return
		}
		// Whatever it says, it is applied, and the same by all.
		a, b := New(), New()
		for _, s := range []*State{a, b} {
			s.SetMembers(map[uint64]string{1: "a", c.Member: "b"}, 1)
			s.Apply(c)
			s.Apply(c)
		}
		if !bytes.Equal(snapshot(t, a), snapshot(t, b)) {
			t.Error("two states differ")
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	s := New()
	s.SetMembers(map[uint64]string{1: "a"}, 1)
	f.Add(snapshot(f, s))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The checksum is made right, so that what comes behind it is reached.
		if len(data) >= checksumBytes {
			data = withChecksum(data)
		}
		s, err := DecodeSnapshot(data)
		if err != nil {
			return
		}
		again, err := DecodeSnapshot(snapshot(t, s))
		if err != nil || !bytes.Equal(snapshot(t, again), snapshot(t, s)) {
			t.Errorf("written, and read with %v", err)
		}
	})
}
