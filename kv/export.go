package kv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// ExportAsk asks for a part of a shard's snapshot.
type ExportAsk struct {
	// Last names the snapshot, by the entry that it stands at. Zero begins one of
	// now, whose Last is in the answer.
	Last EntryID
	// Position is where in the stream to read; any position may be read again.
	Position int64
	// MaxBytes bounds the part; at least 1.
	MaxBytes int
}

// ErrExportGone is the answer to an ask for a snapshot that is not open, or not
// any more. Whoever wants it begins another.
var ErrExportGone = errors.New("the snapshot is not open any more")

// ErrNothingApplied is the answer to who wants to export a shard that nothing was
// applied to.
var ErrNothingApplied = errors.New("nothing was applied to the shard")

// exports are the open snapshots. Two readers of one shard in one state share a
// snapshot, since its name and its bytes are the same.
type exports struct {
	limit int

	// mu guards all below, and in each export what says so. It is not held while
	// anything is read.
	mu sync.Mutex
	// open are in the order of their last use, the newest last.
	open []*export
}

// export is an open snapshot. It pins nothing but files: once what is in memory
// was flushed, compactions go on as if it were not there.
type export struct {
	shard    ShardID
	last     EntryID
	snapshot *pebble.EventuallyFileOnlySnapshot

	// Guarded by exports.mu.

	// readers are the calls under way. A closed snapshot goes with the last one.
	readers int
	closed  bool
	// used says that somebody read since the last ReleaseIdle.
	used bool
	// known are rows whose place in the contents is known, newest last.
	known []rowPlace
}

// rowPlace says where in the contents a row begins.
type rowPlace struct {
	contents int64
	// key is the row's, with the shard id.
	key []byte
}

// maxKnown bounds what an export remembers: the ends of so many parts, from which
// the parts that follow can be read without going through those before.
const maxKnown = 64

// Export reads a part of the snapshot of a shard, and opens the snapshot first if
// none is named. A snapshot stays open until ReleaseIdle finds it unused, until
// more than Options.MaxExports are open and it is the one that was not used for
// longest, or until the shard is replaced or deleted.
//
// The error is ErrExportGone, ErrNothingApplied, a *ShardIDError, a
// *SnapshotError if the position is not in the stream, or storage's.
func (db *DB) Export(shard ShardID, ask ExportAsk) (SnapshotPart, error) {
	if shard < 0 {
		return SnapshotPart{}, &ShardIDError{Shard: shard}
	}
	var e *export
	if ask.Last == (EntryID{}) {
		var err error
		if e, err = db.beginExport(shard); err != nil {
			return SnapshotPart{}, err
		}
	} else if e = db.exports.acquire(shard, ask.Last); e == nil {
		return SnapshotPart{}, ErrExportGone
	}
	defer db.exports.release(e)
	return db.exports.read(e, ask.Position, max(ask.MaxBytes, 1))
}

// KeepExport counts as a use of an open snapshot, for who is going to read more of
// it later. It reports whether it is open.
func (db *DB) KeepExport(shard ShardID, last EntryID) bool {
	e := db.exports.acquire(shard, last)
	if e == nil {
		return false
	}
	db.exports.release(e)
	return true
}

// beginExport opens a snapshot of a shard as it is, for a call to read.
func (db *DB) beginExport(shard ShardID) (*export, error) {
	start, end := shardBounds(shard)
	e := &export{
		shard:    shard,
		snapshot: db.pebble.NewEventuallyFileOnlySnapshot([]pebble.KeyRange{{Start: start, End: end}}),
	}
	value, closer, err := e.snapshot.Get(stateKey(shard))
	if err == nil {
		var state shardState
		state, err = decodeStateRow(shard, value)
		e.last = state.applied
		err = errors.Join(err, closer.Close())
	}
	if err != nil {
		_ = e.snapshot.Close()
		if errors.Is(err, pebble.ErrNotFound) {
			return nil, ErrNothingApplied
		}
		return nil, e.failed(err)
	}
	return db.exports.begin(e), nil
}

// begin takes a new snapshot in, or returns the one that is open and the same,
// for a call to read. What is then beyond the limit is closed.
func (x *exports) begin(e *export) *export {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(e.shard, e.last); i >= 0 {
		_ = e.snapshot.Close()
		return x.use(i)
	}
	x.open = append(x.open, e)
	if len(x.open) > x.limit {
		x.close(0)
	}
	return x.use(len(x.open) - 1)
}

// find returns the index of an open snapshot, or -1.
func (x *exports) find(shard ShardID, last EntryID) int {
	return slices.IndexFunc(x.open, func(e *export) bool { return e.shard == shard && e.last == last })
}

// close takes a snapshot off the list. The last of those who read it closes it.
func (x *exports) close(i int) {
	e := x.open[i]
	x.open = slices.Delete(x.open, i, i+1)
	e.closed = true
	if e.readers == 0 {
		_ = e.snapshot.Close() // never fails: it only lets go
	}
}

// acquire returns an open snapshot for a call to read, or nil.
func (x *exports) acquire(shard ShardID, last EntryID) *export {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.find(shard, last); i >= 0 {
		return x.use(i)
	}
	return nil
}

// use makes an open snapshot the last one used.
func (x *exports) use(i int) *export {
	e := x.open[i]
	x.open = append(slices.Delete(x.open, i, i+1), e)
	e.readers++
	e.used = true
	return e
}

func (x *exports) release(e *export) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.readers--
	if e.closed && e.readers == 0 {
		_ = e.snapshot.Close()
	}
}

// closeAll closes the snapshots that a function picks.
func (x *exports) closeAll(picked func(*export) bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := len(x.open) - 1; i >= 0; i-- {
		if picked(x.open[i]) {
			x.close(i)
		}
	}
}

// releaseIdle closes what was not used since the last call.
func (x *exports) releaseIdle() {
	x.closeAll(func(e *export) bool {
		idle := !e.used
		e.used = false
		return idle
	})
}

// nearest returns the last row known to begin at or before an offset of the
// contents; the shard's own row begins them.
func (x *exports) nearest(e *export, contents int64) rowPlace {
	x.mu.Lock()
	defer x.mu.Unlock()
	best := rowPlace{key: stateKey(e.shard)}
	for _, p := range e.known {
		if p.contents <= contents && p.contents > best.contents {
			best = p
		}
	}
	return best
}

func (x *exports) learn(e *export, p rowPlace) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(e.known) == maxKnown {
		e.known = slices.Delete(e.known, 0, 1)
	}
	e.known = append(e.known, p)
}

// read makes a part: the blocks that it touches, cut to measure.
func (x *exports) read(e *export, position int64, maxBytes int) (SnapshotPart, error) {
	if position < 0 {
		return SnapshotPart{}, e.outside(position)
	}
	first, next := position/blockBytes, (position+int64(maxBytes))/blockBytes
	rows, err := openRows(e, x.nearest(e, first*blockContents), next*blockContents)
	if err != nil {
		return SnapshotPart{}, e.failed(err)
	}
	skip := position - first*blockBytes
	var stream []byte
	var last bool
	for n := first; !last && int64(len(stream)) < skip+int64(maxBytes); n++ {
		b, err := rows.block(n * blockContents)
		if err != nil {
			return SnapshotPart{}, e.failed(errors.Join(err, rows.it.Close()))
		}
		if len(b.contents) == 0 {
			break
		}
		stream = appendBlock(stream, e.last, n*blockBytes, b)
		last = b.last
	}
	if err := rows.it.Close(); err != nil {
		return SnapshotPart{}, e.failed(err)
	}
	if int64(len(stream)) <= skip {
		return SnapshotPart{}, e.outside(position)
	}
	x.learn(e, rows.resume)
	data := stream[skip:]
	whole := len(data) <= maxBytes
	return SnapshotPart{
		Last: e.last, Position: position, Data: data[:min(len(data), maxBytes)], Final: last && whole,
	}, nil
}

func (e *export) outside(position int64) error {
	return &SnapshotError{Shard: e.shard, Last: e.last, Position: position, Detail: "there is no such byte"}
}

func (e *export) failed(err error) error {
	return fmt.Errorf("shard %d: export of a snapshot: %w", e.shard, damageOf(e.shard, err))
}

// exportedRows are the rows of a snapshot as contents, from some row on.
type exportedRows struct {
	it *pebble.Iterator
	// at is the place in the contents of the first byte in pending, the contents
	// that were made and not yet used.
	at      int64
	pending []byte
	// resume is the last row that begins not after resumeBefore.
	resume       rowPlace
	resumeBefore int64
}

func openRows(e *export, from rowPlace, resumeBefore int64) (*exportedRows, error) {
	_, end := shardBounds(e.shard)
	it, err := e.snapshot.NewIter(&pebble.IterOptions{LowerBound: from.key, UpperBound: end})
	if err != nil {
		return nil, err
	}
	it.First()
	from.key = bytes.Clone(from.key) // what is known stays as it is
	return &exportedRows{it: it, at: from.contents, resume: from, resumeBefore: resumeBefore}, nil
}

// block returns the block whose contents begin at a place. It is empty if that is
// beyond the end.
func (r *exportedRows) block(contents int64) (block, error) {
	for {
		skipped := min(contents-r.at, int64(len(r.pending)))
		r.pending, r.at = r.pending[skipped:], r.at+skipped
		// A byte more than the block's tells whether it is the last.
		if r.at == contents && len(r.pending) > blockContents {
			return block{contents: r.pending[:blockContents]}, nil
		}
		if !r.it.Valid() {
			return block{contents: r.pending, last: true}, r.it.Error()
		}
		r.add()
	}
}

// add appends the iterator's row to what is pending, and moves on.
func (r *exportedRows) add() {
	if begins := r.at + int64(len(r.pending)); begins <= r.resumeBefore {
		r.resume = rowPlace{contents: begins, key: append(r.resume.key[:0], r.it.Key()...)}
	}
	r.pending = appendRow(r.pending, r.it.Key()[shardBytes:], r.it.Value())
	r.it.Next()
}
