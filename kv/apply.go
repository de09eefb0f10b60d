package kv

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// maxBatchBytes is where Apply commits what it has and starts another batch, far
// from the 4 GiB that Pebble's batches end at.
const maxBatchBytes = 64 << 20

// Tombstones of ranges make every read of the batch that has them slower, by the square
// of their number.
const (
	// fewRecords is how many records of a range at the most are deleted without one. It is
	// a rule of a write, and frozen with it: the digest knows the difference.
	fewRecords = 64
	// maxBatchRanges is where Apply commits what it has and starts another batch.
	maxBatchRanges = 64
)

// Apply applies committed entries to a shard, in order, and returns one result
// for each. The entries go into one batch (more, cut between entries, if they
// grow past 64 MiB or delete many long ranges), so that a crash leaves all or none of them.
//
// The error is an *UnknownEntryError if an entry's version or kind is unknown:
// the entries before it are applied, and their results returned with the error.
// It is a *SequenceError or a *ShardIDError, and nothing was applied, if the
// caller broke the contract. Any other error is the storage's, a
// *CorruptionError among them: there are no results, and Applied says what was
// kept.
//
// One goroutine at a time may apply to a shard. The payloads are not kept.
func (db *DB) Apply(shard ShardID, entries []Entry) ([]Result, error) {
	if err := db.flushing.failure(); err != nil {
		return nil, fmt.Errorf("shard %d: apply: %w", shard, err)
	}
	state, err := db.readState(shard)
	if err != nil {
		return nil, err
	}
	if err := checkSequence(shard, state.applied, entries); err != nil {
		return nil, err
	}
	a := &applier{db: db, shard: shard, state: state, digester: newDigester()}
	a.batch = db.pebble.NewIndexedBatch()
	defer func() { _ = a.batch.Close() }()

	results := make([]Result, 0, len(entries))
	for i := range entries {
		result, err := a.apply(&entries[i])
		if unknown := (*UnknownEntryError)(nil); errors.As(err, &unknown) {
			unknown.Shard, unknown.ID = shard, entries[i].ID
			if err := a.commit(); err != nil {
				return nil, err
			}
			return results, unknown
		}
		if err != nil {
			return nil, err
		}
		results = append(results, result)
		if a.batch.Len() > maxBatchBytes || a.ranges > maxBatchRanges {
			if err := a.commit(); err != nil {
				return nil, err
			}
		}
	}
	if err := a.commit(); err != nil {
		return nil, err
	}
	return results, nil
}

// checkSequence asserts that the entries continue the applied one: offsets by
// ones, terms never backwards.
func checkSequence(shard ShardID, applied EntryID, entries []Entry) error {
	for i := range entries {
		id := entries[i].ID
		if id.Offset != applied.Offset+1 || id.Term < applied.Term {
			return &SequenceError{Shard: shard, After: applied, Got: id}
		}
		applied = id
	}
	return nil
}

// applier is one call of Apply: the batch being built, and the state as it will
// be when the batch is committed.
type applier struct {
	db    *DB
	shard ShardID
	batch *pebble.Batch
	state shardState
	// dirty says that state has gone beyond what is committed.
	dirty bool
	// ranges is how many tombstones of ranges are in the batch.
	ranges   int
	digester digester

	// notes are what the entry being applied changed.
	notes []notification

	// Buffers that rows are built in. Pebble copies what it is given.
	key, end, link, value []byte
}

// apply applies one entry. Its error is storage's or an *UnknownEntryError, and
// in either case the entry left no trace in the batch or the batch is discarded.
func (a *applier) apply(entry *Entry) (Result, error) {
	result := Result{ID: entry.ID, Outcome: Applied}
	kind, body, err := ParsePayload(entry.Payload)
	switch {
	case errors.Is(err, ErrShortPayload):
		result.Outcome, err = Malformed, nil
	case err != nil:
		return Result{}, err
	}
	result.Kind = kind

	a.digester.begin(a.state.digest, entry.ID)
	switch {
	case result.Outcome != Applied:
	case kind == KindWrite:
		result.Outcome, result.Response, err = a.write(entry.Timestamp, body)
	case kind == KindTransaction:
		result.Outcome, result.Transaction, err = a.transact(entry.Timestamp, body)
	case kind == KindSession:
		err = a.session(entry, body, &result)
	case kind == KindOnce:
		err = a.once(entry, body, &result)
	case kind == KindAdministrative:
		result.Outcome, err = a.administer(entry.ID, body)
	case kind == KindBarrier:
		result.Outcome, err = a.barrier(entry.ID, body)
	}
	if err == nil {
		err = a.notify(entry)
	}
	if err != nil {
		return Result{}, fmt.Errorf("shard %d: apply entry %s: %w", a.shard, entry.ID, damageOf(a.shard, err))
	}
	a.state.applied = entry.ID
	a.state.digest = a.digester.end(result.Outcome, &a.state)
	if entry.ID.Offset%a.db.checkEvery == 0 {
		a.state.check = check{offset: entry.ID.Offset, digest: a.state.digest}
	}
	a.dirty = true
	return result, nil
}

// write applies a client's write.
func (a *applier) write(timestamp uint64, body []byte) (Outcome, *api.WriteResponse, error) {
	var req api.WriteRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		return Malformed, nil, nil
	}
	if contradictory(&req) {
		return Refused, nil, nil
	}
	res, err := a.carryOut(timestamp, &req)
	return Applied, res, err
}

// contradictory reports whether a write has a put that contradicts itself.
func contradictory(req *api.WriteRequest) bool {
	return slices.ContainsFunc(req.GetPuts(), func(put *api.PutRequest) bool { return contradiction(put) != nil })
}

// carryOut carries the operations of a write out: puts, then deletes, then range
// deletes, each seeing what those before it did.
func (a *applier) carryOut(timestamp uint64, req *api.WriteRequest) (*api.WriteResponse, error) {
	res := &api.WriteResponse{}
	for _, put := range req.GetPuts() {
		answer, err := a.put(timestamp, put)
		if err != nil {
			return nil, err
		}
		res.Puts = append(res.Puts, answer)
	}
	for _, del := range req.GetDeletes() {
		answer, err := a.delete(del)
		if err != nil {
			return nil, err
		}
		res.Deletes = append(res.Deletes, answer)
	}
	for _, del := range req.GetDeleteRanges() {
		answer, err := a.deleteRange(del)
		if err != nil {
			return nil, err
		}
		res.DeleteRanges = append(res.DeleteRanges, answer)
	}
	return res, nil
}

// set stores a row in the batch, and tells the digest.
func (a *applier) set(row, value []byte) error {
	if err := a.batch.Set(row, value, nil); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	a.digester.add(mutationSet, row[shardBytes:], value)
	return nil
}

// unset deletes a row in the batch, and tells the digest.
func (a *applier) unset(row []byte) error {
	if err := a.batch.Delete(row, nil); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	a.digester.add(mutationDelete, row[shardBytes:], nil)
	return nil
}

// unsetRange deletes the rows of a range in the batch, and tells the digest.
func (a *applier) unsetRange(start, end []byte) error {
	if err := a.batch.DeleteRange(start, end, nil); err != nil {
		return fmt.Errorf("delete range: %w", err)
	}
	a.ranges++
	a.digester.add(mutationDeleteRange, start[shardBytes:], end[shardBytes:])
	return nil
}

// commit writes the batch with the state that it leads to, and starts another.
func (a *applier) commit() error {
	if !a.dirty {
		return nil
	}
	a.value = appendState(a.value[:0], a.state)
	if err := a.batch.Set(stateKey(a.shard), a.value, nil); err != nil {
		return fmt.Errorf("shard %d: write state: %w", a.shard, err)
	}
	if err := a.batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("shard %d: commit up to entry %s: %w", a.shard, a.state.applied, err)
	}
	_ = a.batch.Close()
	a.batch = a.db.pebble.NewIndexedBatch()
	a.dirty, a.ranges = false, 0
	return nil
}
