package kv

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// ImportProgress is what came of a part.
type ImportProgress struct {
	// Position is how much of the snapshot's stream is kept, in bytes: the next
	// part begins there.
	Position int64
	// Installed says that the shard is what the snapshot is, durably.
	Installed bool
}

// Import takes a part of a snapshot that is to replace a shard. Parts come in
// order; a part at 0 starts over, and one of another snapshot can only be at 0.
// What they hold is checked and put into files that no crash outlives, and the
// shard stays as it is, until the final part: then everything in the shard's span
// is replaced at once, with the applied EntryID and the digest of the snapshot.
// When Import says that it is installed, no crash undoes it; after an error or a
// crash the shard is as it was.
//
// The error is a *SnapshotError if the part is not taken, and the progress says
// what is kept: usually what was before, or a little less, so that the same bytes
// are sent again; nothing, if what the stream says makes no sense. It is a
// *ShardIDError, a *CorruptionError if what the shard has is damaged where that stands
// in the way, or else storage's, and then nothing is kept.
//
// One goroutine at a time imports to a shard. Nobody applies to a shard, or reads
// it, while the final part is imported.
func (db *DB) Import(shard ShardID, part SnapshotPart) (ImportProgress, error) {
	if shard < 0 {
		return ImportProgress{}, &ShardIDError{Shard: shard}
	}
	im := db.imports.take(shard)
	if im != nil && part.Position == 0 {
		if err := im.drop(); err != nil {
			return ImportProgress{}, err
		}
		im = nil
	}
	if part.Position == 0 {
		im = db.newImport(shard, part.Last)
	}
	if im == nil {
		return ImportProgress{}, &SnapshotError{shard, part.Last, part.Position, "nothing of this snapshot is kept"}
	}
	err := im.takePart(part)
	if refused := (*SnapshotError)(nil); err != nil && (im.broken || !errors.As(err, &refused)) {
		return ImportProgress{}, errors.Join(err, im.drop())
	}
	progress := ImportProgress{Position: im.position(), Installed: im.ended}
	if im.last != part.Last {
		progress.Position = 0
	}
	if !im.ended {
		db.imports.keep(im)
		return progress, err
	}
	if err := db.install(im); err != nil {
		return ImportProgress{}, errors.Join(err, im.drop())
	}
	return progress, nil
}

// install puts the staged tables in the place of all that the shard has. The
// applied EntryID is in the first of them.
func (db *DB) install(im *snapshotImport) error {
	if err := im.staged.finishTable(); err != nil {
		return im.failed(err)
	}
	db.replaced.add(im.shard)
	db.orders.forget(im.shard)
	if err := db.replace(im.shard, im.staged.tables); err != nil {
		return im.failed(err)
	}
	db.exports.closeAll(func(e *export) bool { return e.shard == im.shard })
	return nil
}

// imports are the snapshots of which parts have come, and the next is waited for.
// While a call works on one it is not here, and nobody else's.
type imports struct {
	mu   sync.Mutex
	open []*snapshotImport
}

// take takes the shard's import, which is nil if there is none.
func (x *imports) take(shard ShardID) *snapshotImport {
	taken := x.takeAll(func(im *snapshotImport) bool { return im.shard == shard })
	if len(taken) == 0 {
		return nil
	}
	return taken[0]
}

func (x *imports) keep(im *snapshotImport) {
	x.mu.Lock()
	defer x.mu.Unlock()
	im.used = true
	x.open = append(x.open, im)
}

// takeAll takes those that a function picks.
func (x *imports) takeAll(picked func(*snapshotImport) bool) []*snapshotImport {
	x.mu.Lock()
	defer x.mu.Unlock()
	var taken, left []*snapshotImport
	for _, im := range x.open {
		if picked(im) {
			taken = append(taken, im)
		} else {
			left = append(left, im)
		}
	}
	x.open = left
	return taken
}

// dropAll drops those that a function picks.
func (x *imports) dropAll(picked func(*snapshotImport) bool) error {
	var err error
	for _, im := range x.takeAll(picked) {
		err = errors.Join(err, im.drop())
	}
	return err
}

// releaseIdle drops those of which no part came since the last call.
func (x *imports) releaseIdle() error {
	return x.dropAll(func(im *snapshotImport) bool {
		idle := !im.used
		im.used = false
		return idle
	})
}

// snapshotImport is a snapshot on its way in: the bytes of a block that is not
// whole yet, the contents of a row that is not, and the rows in staged tables.
type snapshotImport struct {
	db    *DB
	shard ShardID
	last  EntryID
	// used says that a part came since the last ReleaseIdle.
	used bool

	// blockAt is where in the stream the first byte of partial is.
	blockAt  int64
	partial  []byte
	contents []byte
	// ended says that the last block was taken.
	ended bool
	// broken says that the stream, intact as it is, is no snapshot that this server
	// understands.
	broken bool

	// order is that of the snapshot's keys, which its first row tells.
	order keyspace.Order
	// lastKey is the last row's, without the shard id.
	lastKey []byte
	row     []byte
	staged  stage
}

func (db *DB) newImport(shard ShardID, last EntryID) *snapshotImport {
	return &snapshotImport{db: db, shard: shard, last: last, staged: db.newStage(shard)}
}

// position is how much of the stream is kept.
func (im *snapshotImport) position() int64 { return im.blockAt + int64(len(im.partial)) }

// refuse says why bytes are not taken.
func (im *snapshotImport) refuse(detail string) error {
	return &SnapshotError{Shard: im.shard, Last: im.last, Position: im.position(), Detail: detail}
}

// end says why no more bytes of this stream will be taken.
func (im *snapshotImport) end(detail string) error {
	im.broken = true
	return im.refuse(detail)
}

func (im *snapshotImport) failed(err error) error {
	return damageOf(im.shard, fmt.Errorf("shard %d: import of a snapshot at entry %s: %w", im.shard, im.last, err))
}

// drop removes what is staged.
func (im *snapshotImport) drop() error {
	if err := im.staged.remove(); err != nil {
		return im.failed(err)
	}
	return nil
}

// takePart takes a part, if it is the next one.
func (im *snapshotImport) takePart(part SnapshotPart) error {
	if part.Last != im.last {
		return &SnapshotError{im.shard, part.Last, part.Position, fmt.Sprintf("a snapshot at entry %s is being imported", im.last)}
	}
	if part.Position != im.position() {
		return im.refuse(fmt.Sprintf("a part at byte %d does not follow", part.Position))
	}
	if err := im.take(part.Data); err != nil {
		return err
	}
	return im.checkEnd(part.Final)
}

// take takes bytes that follow those kept. A damaged block is dropped as a whole.
func (im *snapshotImport) take(data []byte) error {
	im.partial = append(im.partial, data...)
	for len(im.partial) > 0 {
		if im.ended {
			return im.end("the stream goes on after its last block")
		}
		b, length, err := decodeBlock(im.partial, im.last, im.blockAt)
		if err != nil {
			im.partial = im.partial[:0]
			return im.refuse(err.Error())
		}
		if length == 0 {
			break
		}
		im.contents = append(im.contents, b.contents...)
		im.ended = b.last
		if err := im.takeRows(); err != nil {
			return err
		}
		im.blockAt += int64(length)
		im.partial = im.partial[length:]
	}
	im.partial = bytes.Clone(im.partial) // not the whole part
	return nil
}

// takeRows stages the rows of which all has come.
func (im *snapshotImport) takeRows() error {
	rest := im.contents
	for {
		key, value, length, err := decodeRow(rest)
		if err == nil && length > 0 {
			err = im.checkRow(key, value)
		}
		if err != nil {
			return im.end(err.Error())
		}
		if length == 0 {
			break
		}
		im.row = append(appendShard(im.row[:0], im.shard), key...)
		if err := im.staged.add(im.row, value); err != nil {
			return im.failed(err)
		}
		im.lastKey = append(im.lastKey[:0], key...)
		rest = rest[length:]
	}
	im.contents = append(im.contents[:0], rest...)
	return nil
}

// checkRow tells why a row cannot be the next one of this snapshot.
func (im *snapshotImport) checkRow(key, value []byte) error {
	if bytes.Compare(key, im.lastKey) <= 0 {
		return fmt.Errorf("row %q does not follow row %q", key, im.lastKey)
	}
	if im.lastKey == nil {
		return im.checkState(key, value)
	}
	if check, known := rowChecks[span(key[0])]; known {
		return check(im.order, key[1:], value)
	}
	return fmt.Errorf("row %q is of a kind that this server does not know; upgrade the server", key)
}

// checkState holds the first row against the entry that the snapshot is said to
// stand at.
func (im *snapshotImport) checkState(key, value []byte) error {
	if !bytes.Equal(key, []byte{byte(spanState)}) {
		return fmt.Errorf("row %q stands where the shard's state should", key)
	}
	state, err := decodeState(value)
	if err != nil {
		return fmt.Errorf("state of the shard: %w", err)
	}
	if state.applied != im.last {
		return fmt.Errorf("the shard's state is at entry %s", state.applied)
	}
	im.order = state.order
	return nil
}

// checkEnd holds the end of the stream against what the part says of it.
func (im *snapshotImport) checkEnd(final bool) error {
	switch {
	case final && !im.ended:
		return im.end("the final part ends before the stream")
	case im.ended && !final:
		return im.end("the stream ends in a part that is not final")
	case im.ended && len(im.contents) > 0:
		return im.end("the stream ends within a row")
	}
	return nil
}
