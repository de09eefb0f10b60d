package kv

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// largeEntries are a log whose records are of all sizes, so that rows lie across
// blocks and blocks hold many rows.
func largeEntries(rng *rand.Rand, records int) []Entry {
	sizes := []int{0, 10, 100, 1000, blockContents - 100, blockContents, 3*blockContents + 7}
	var entries []Entry
	for i := range records {
		value := make([]byte, sizes[rng.IntN(len(sizes))])
		for j := range value {
			value[j] = byte(rng.Uint32())
		}
		entries = append(entries, Entry{
			ID: EntryID{Term: 1, Offset: int64(i) + 1}, Timestamp: uint64(i),
			Payload: mustPayload(putOf(fmt.Sprintf("key %d", rng.IntN(2*records)), string(value))),
		})
	}
	return entries
}

// wholeExport reads a new snapshot in parts of random sizes.
func wholeExport(t failer, db *DB, shard ShardID, size func() int) []SnapshotPart {
	t.Helper()
	var parts []SnapshotPart
	ask := ExportAsk{MaxBytes: size()}
	for {
		part, err := db.Export(shard, ask)
		if err != nil {
			t.Fatalf("export: %v", err)
		}
		if part.Position != ask.Position || len(part.Data) == 0 || len(part.Data) > ask.MaxBytes {
			t.Fatalf("asked for %+v, got %d bytes at %d", ask, len(part.Data), part.Position)
		}
		parts = append(parts, part)
		if part.Final {
			return parts
		}
		ask = ExportAsk{Last: part.Last, Position: part.Position + int64(len(part.Data)), MaxBytes: size()}
	}
}

func streamOf(parts []SnapshotPart) []byte {
	var stream []byte
	for _, p := range parts {
		stream = append(stream, p.Data...)
	}
	return stream
}

func mustImport(t failer, db *DB, shard ShardID, parts []SnapshotPart) {
	t.Helper()
	for i, part := range parts {
		progress, err := db.Import(shard, part)
		if err != nil {
			t.Fatalf("import part %d of %d: %v", i, len(parts), err)
		}
		if progress.Position != part.Position+int64(len(part.Data)) || progress.Installed != part.Final {
			t.Fatalf("part %d of %d, %d bytes at %d: %+v", i, len(parts), len(part.Data), part.Position, progress)
		}
	}
}

// A replica that installs a snapshot is in the state of the one that it was taken
// from, whatever it was in before, and goes on from there to the same state.
func TestImportLeadsToTheExportedState(t *testing.T) {
	from, to := newDisk(t), newDisk(t)
	defer from.close(t)
	defer to.close(t)
	to.db.stagedTableBytes = 200 // several tables
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard += 2
		entries := entriesGenerator(12).Draw(t, "entries")
		n := rapid.IntRange(1, len(entries)).Draw(t, "exported")
		mustApply(t, from.db, shard, entries[:n])
		mustApply(t, to.db, shard+1, entriesGenerator(6).Draw(t, "entries of before"))
		if rapid.Bool().Draw(t, "flush") {
			if err := from.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		size := rapid.IntRange(1, 300)
		parts := wholeExport(t, from.db, shard, func() int { return size.Draw(t, "size") })
		mustImport(t, to.db, shard+1, parts)
		if got, want := contentOf(t, to.db, shard+1), contentOf(t, from.db, shard); got != want {
			t.Fatalf("imported:\n%s\nexported:\n%s", got, want)
		}
		if flushed, err := to.db.FlushedApplied(shard + 1); err != nil || flushed != entries[n-1].ID {
			t.Fatalf("flushed %v, %v", flushed, err)
		}
		again := wholeExport(t, to.db, shard+1, func() int { return 1 << 20 })
		if !bytes.Equal(streamOf(again), streamOf(parts)) {
			t.Fatal("what was imported is exported as something else")
		}
		if n < len(entries) {
			a, b := mustApply(t, from.db, shard, entries[n:]), mustApply(t, to.db, shard+1, entries[n:])
			if answersOf(a) != answersOf(b) {
				t.Fatalf("answers differ:\n%s\n%s", answersOf(a), answersOf(b))
			}
		}
		if got, want := contentOf(t, to.db, shard+1), contentOf(t, from.db, shard); got != want {
			t.Fatalf("after the rest of the log:\n%s\nwant:\n%s", got, want)
		}
	})
}

// The same for snapshots of many blocks; and any bytes of one may be read again.
func TestSnapshotsOfManyBlocks(t *testing.T) {
	from, to := openForTest(t), openForTest(t)
	to.stagedTableBytes = 5 * blockContents
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		shard := ShardID(seed)
		mustApply(t, from, shard, largeEntries(rng, 40))
		mustApply(t, to, shard, largeEntries(rng, 10))
		parts := wholeExport(t, from, shard, func() int { return 1 + rng.IntN(2*blockBytes) })
		stream := streamOf(parts)
		for range 50 {
			at := rng.IntN(len(stream))
			ask := ExportAsk{Last: parts[0].Last, Position: int64(at), MaxBytes: 1 + rng.IntN(blockBytes)}
			part, err := from.Export(shard, ask)
			if err != nil {
				t.Fatal(err)
			}
			end := min(at+ask.MaxBytes, len(stream))
			if !bytes.Equal(part.Data, stream[at:end]) || part.Final != (end == len(stream)) {
				t.Fatalf("seed %d: bytes %d to %d of %d are others the second time", seed, at, end, len(stream))
			}
		}
		mustImport(t, to, shard, parts)
		if contentOf(t, to, shard) != contentOf(t, from, shard) {
			t.Fatalf("seed %d: imported another state", seed)
		}
	}
}

// The contents end exactly where a block does.
func TestLastBlockMayBeFull(t *testing.T) {
	from, to := openForTest(t), openForTest(t)
	mustApply(t, from, 9, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(putOf("a", ""))}})
	fixed := 0
	for key, value := range rowsIn(t, from, 9) {
		fixed += rowHeaderBytes + len(key) - shardBytes + len(value)
	}
	for shard := range ShardID(3) {
		length := int(shard+1)*blockContents - fixed
		mustApply(t, from, shard, []Entry{{
			ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(putOf("a", string(make([]byte, length)))),
		}})
		parts := wholeExport(t, from, shard, func() int { return 1000 })
		if n := len(streamOf(parts)); n != int(shard+1)*blockBytes {
			t.Fatalf("%d bytes are no number of full blocks", n)
		}
		mustImport(t, to, shard, parts)
		if contentOf(t, to, shard) != contentOf(t, from, shard) {
			t.Fatal("imported another state")
		}
	}
}

// Whatever bit is wrong, the shard stays as it is, and the right bytes, from where
// the answer says, lead to the end all the same.
func TestDamagedPartsAreRefused(t *testing.T) {
	from, to := openForTest(t), openForTest(t)
	rng := rand.New(rand.NewPCG(1, 2))
	mustApply(t, from, 1, largeEntries(rng, 10))
	mustApply(t, to, 1, largeEntries(rng, 3))
	before := contentOf(t, to, 1)
	parts := wholeExport(t, from, 1, func() int { return blockBytes / 3 })
	last, stream := parts[0].Last, streamOf(parts)
	part := func(position, length int, harm bool) SnapshotPart {
		end := min(position+length, len(stream))
		data := bytes.Clone(stream[position:end])
		if harm {
			data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
		}
		return SnapshotPart{Last: last, Position: int64(position), Data: data, Final: end == len(stream)}
	}
	refusals := 0
	for position, harm := 0, true; ; harm = rng.IntN(2) == 0 {
		progress, err := to.Import(1, part(position, 1+rng.IntN(2*blockBytes), harm))
		if refused := (*SnapshotError)(nil); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if err != nil {
			refusals++
		}
		if progress.Installed {
			break
		}
		position = int(progress.Position)
		if got := contentOf(t, to, 1); got != before {
			t.Fatalf("changed after %d bytes", position)
		}
	}
	if contentOf(t, to, 1) != contentOf(t, from, 1) || refusals == 0 {
		t.Errorf("imported another state after %d refusals", refusals)
	}
}

func TestTheSnapshotThatWasNotUsedForLongestMakesRoom(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	d.db.exports.limit = 2
	for shard := range ShardID(3) {
		mustApply(t, d.db, shard, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: BarrierPayload()}})
	}
	read := func(shard ShardID, last EntryID) error {
		_, err := d.db.Export(shard, ExportAsk{Last: last, MaxBytes: 1})
		return err
	}
	one := EntryID{Term: 1, Offset: 1}
	for _, err := range []error{read(0, EntryID{}), read(1, EntryID{}), read(0, one), read(2, EntryID{}), read(0, one)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := read(1, one); !errors.Is(err, ErrExportGone) {
		t.Errorf("the snapshot of shard 1: %v", err)
	}
}

// Snapshots are read, begun and ended, and shards imported, all at the same time.
func TestSnapshotsOfManyShardsAtATime(t *testing.T) {
	from, to := openForTest(t), openForTest(t)
	const shards = 4
	for shard := range ShardID(shards) {
		mustApply(t, from, shard, largeEntries(rand.New(rand.NewPCG(uint64(shard), 3)), 20))
	}
	var readers, others sync.WaitGroup
	for shard := range ShardID(shards) {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(shard), 4))
			for copied := false; !copied; {
				copied = copyShard(from, to, shard, rng)
			}
		})
	}
	stop := make(chan struct{})
	others.Go(func() {
		for round := 0; ; round++ {
			select {
			case <-stop:
				return
			default:
			}
			err := errors.Join(from.Flush(), to.Flush())
			// Bounded, or readers that are slower than these rounds would find their
			// snapshot gone for ever.
			if round < 200 {
				err = errors.Join(err, from.ReleaseIdle())
			}
			if err != nil {
				panic(err)
			}
		}
	})
	readers.Wait()
	close(stop)
	others.Wait()
	for shard := range ShardID(shards) {
		if contentOf(t, from, shard) != contentOf(t, to, shard) {
			t.Errorf("shard %d differs", shard)
		}
	}
}

// copyShard reports whether it came to the end before the snapshot was gone.
func copyShard(from, to *DB, shard ShardID, rng *rand.Rand) bool {
	ask := ExportAsk{}
	for {
		ask.MaxBytes = 1 + rng.IntN(2*blockBytes)
		part, err := from.Export(shard, ask)
		if errors.Is(err, ErrExportGone) {
			return false
		}
		if err != nil {
			panic(err)
		}
		progress, err := to.Import(shard, part)
		if err != nil {
			panic(err)
		}
		if progress.Installed {
			return true
		}
		ask = ExportAsk{Last: part.Last, Position: progress.Position}
	}
}

// Streams whose checksums are right, and whose rows are not.
func TestStreamsThatMakeNoSenseAreRefused(t *testing.T) {
	db := openForTest(t)
	last := EntryID{Term: 1, Offset: 2}
	state := appendRow(nil, []byte{byte(spanState)}, appendState(nil, shardState{applied: last}))
	flagged := appendState(nil, shardState{applied: last})
	flagged[49] = 4
	notes := appendNotifications(nil, 1, []notification{{key: "a"}})
	row := func(key string) []byte {
		return appendRow(nil, keyspace.Hierarchical.AppendEncoded([]byte{byte(spanRecords)}, key), appendRecord(nil, &record{}))
	}
	for name, contents := range map[string][]byte{
		"no state":                   row("a"),
		"state of another":           appendRow(nil, []byte{byte(spanState)}, appendState(nil, shardState{applied: EntryID{1, 1}})),
		"state cut short":            appendRow(nil, []byte{byte(spanState)}, []byte{1, 2}),
		"state twice":                bytes.Join([][]byte{state, state}, nil),
		"keys that descend":          bytes.Join([][]byte{state, row("b"), row("a")}, nil),
		"one key twice":              bytes.Join([][]byte{state, row("a"), row("a")}, nil),
		"an unknown span":            append(bytes.Clone(state), appendRow(nil, []byte{0x40, 1}, nil)...),
		"a record cut short":         append(bytes.Clone(state), appendRow(nil, []byte{byte(spanRecords), 'a'}, []byte{1})...),
		"a key that is no text":      append(bytes.Clone(state), row("\xff")...),
		"a key without depth":        append(bytes.Clone(state), appendRow(nil, []byte("\x10\x00"), appendRecord(nil, &record{}))...),
		"a key of wrong depth":       append(bytes.Clone(state), appendRow(nil, []byte("\x10\x00\x01a"), appendRecord(nil, &record{}))...),
		"an entry of no index":       append(bytes.Clone(state), appendRow(nil, []byte("\x20\x00\x00\x00\x01i"), nil)...),
		"an entry with a value":      append(bytes.Clone(state), appendRow(nil, appendIndexKey(nil, 0, 0, indexEntry{"i", "k"}, "r")[shardBytes:], []byte{1})...),
		"a key of no session":        append(bytes.Clone(state), appendRow(nil, []byte("\x31\x00\x01"), nil)...),
		"a key without text":         append(bytes.Clone(state), appendRow(nil, []byte("\x31\x00\x00\x00\x00\x00\x00\x00\x01\x00"), nil)...),
		"a key with a value":         append(bytes.Clone(state), appendRow(nil, appendOwnedKey(nil, 0, 0, 1, "r")[shardBytes:], []byte{1})...),
		"notifications of no offset": append(bytes.Clone(state), appendRow(nil, []byte{byte(spanNotifications), 1}, notes)...),
		"notifications of no form":   append(bytes.Clone(state), appendRow(nil, appendNotificationKey(nil, 0, 1)[shardBytes:], notes[1:])...),
		"a client of no name":        append(bytes.Clone(state), appendRow(nil, []byte{byte(spanClients), 1}, appendClient(nil, &client{}))...),
		"an answer to nobody":        append(bytes.Clone(state), appendRow(nil, []byte{byte(spanAnswers), 1}, []byte{onceUnknown})...),
		"an answer of no kind":       append(bytes.Clone(state), appendRow(nil, appendAnswerKey(nil, 0, &client{}, 1)[shardBytes:], []byte{9})...),
		"an age of nobody":           append(bytes.Clone(state), appendRow(nil, []byte{byte(spanAges), 1}, nil)...),
		"an age with a value":        append(bytes.Clone(state), appendRow(nil, appendAgeKey(nil, 0, &client{})[shardBytes:], []byte{1})...),
		"a session of no id":         append(bytes.Clone(state), appendRow(nil, []byte{byte(spanSessions), 1}, appendSession(nil, Session{}))...),
		"a session of no form":       append(bytes.Clone(state), appendRow(nil, appendSessionKey(nil, 0, 1)[shardBytes:], []byte{1, 2})...),
		"a later session":            append(bytes.Clone(state), appendRow(nil, appendSessionKey(nil, 0, 1)[shardBytes:], append([]byte{2}, make([]byte, 12)...))...),
		"a state of no order":        appendRow(nil, []byte{byte(spanState)}, flagged),
		"a row without a key":        append(bytes.Clone(state), appendRow(nil, nil, nil)...),
		"a row cut short":            append(bytes.Clone(state), row("a")[:20]...),
		"a row without an end":       append(bytes.Clone(state), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
	} {
		stream := appendBlock(nil, last, 0, block{contents: contents, last: true})
		progress, err := db.Import(1, SnapshotPart{Last: last, Data: stream, Final: true})
		if refused := (*SnapshotError)(nil); !errors.As(err, &refused) || progress != (ImportProgress{}) {
			t.Errorf("%s: %+v, %v", name, progress, err)
		}
	}
	stream := appendBlock(nil, last, 0, block{contents: state, last: true})
	stream = appendBlock(stream, last, int64(len(stream)), block{contents: row("a"), last: true})
	if _, err := db.Import(1, SnapshotPart{Last: last, Data: stream, Final: true}); err == nil {
		t.Error("a block after the last one was taken")
	}
	if applied := mustApplied(t, db, 1); applied != (EntryID{}) {
		t.Errorf("applied %s", applied)
	}
	if _, err := db.Read(1, &api.ReadRequest{}); err != nil {
		t.Error(err)
	}
}
