package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// change puts a record in the place of the one that stands at a row, with all that
// goes with it: every change of a record comes through here, but for the rows of a
// range. Old and r are nil where there is none.
func (a *applier) change(key string, row []byte, old, r *record) error {
	var err error
	if r != nil {
		a.value = appendRecord(a.value[:0], r)
		err = a.set(row, a.value)
	} else {
		err = a.unset(row)
	}
	if err != nil {
		return err
	}
	a.changed(key, old, r)
	return a.attach(key, old, r)
}

// attach makes the rows beside a record what they are to be. The counter of such
// records tells who deletes a range whether it has any.
func (a *applier) attach(key string, old, r *record) error {
	if old.attached() {
		a.state.attached--
		if err := a.detachOld(key, old, r); err != nil {
			return err
		}
	}
	if r.attached() {
		a.state.attached++
		return a.attachNew(key, old, r)
	}
	return nil
}

// detachOld removes the rows that go with the old record and not with the new one.
func (a *applier) detachOld(key string, old, r *record) error {
	for _, e := range old.indexes {
		if r.isIn(e) {
			continue
		}
		a.link = appendIndexKey(a.link[:0], a.shard, a.state.order, e, key)
		if err := a.unset(a.link); err != nil {
			return err
		}
	}
	if old.session != nil && !r.livesWith(*old.session) {
		a.link = appendOwnedKey(a.link[:0], a.shard, a.state.order, *old.session, key)
		return a.unset(a.link)
	}
	return nil
}

// attachNew adds the rows that go with the new record and did not go with the old one.
func (a *applier) attachNew(key string, old, r *record) error {
	for _, e := range r.indexes {
		if old.isIn(e) {
			continue
		}
		a.link = appendIndexKey(a.link[:0], a.shard, a.state.order, e, key)
		if err := a.set(a.link, nil); err != nil {
			return err
		}
	}
	if r.session != nil && !old.livesWith(*r.session) {
		a.link = appendOwnedKey(a.link[:0], a.shard, a.state.order, *r.session, key)
		return a.set(a.link, nil)
	}
	return nil
}

// deleteOwned deletes the records of a session. A record that goes with another session
// or none has no row with this one; if it has, the state is not what was written.
func (a *applier) deleteOwned(session int64) (err error) {
	// What is removed while it walks does not change what it sees.
	it, err := a.batch.NewIter(&pebble.IterOptions{
		LowerBound: appendOwnedStart(nil, a.shard, session), UpperBound: appendOwnedStart(nil, a.shard, session+1),
	})
	if err != nil {
		return fmt.Errorf("walk its records: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		key := a.state.order.Decode(it.Key()[ownedPrefixBytes:])
		a.key = appendRecordKey(a.key[:0], a.shard, a.state.order, key)
		old, err := a.lookup()
		if err != nil {
			return err
		}
		if !old.livesWith(session) {
			return recordCorruption(a.shard, key, fmt.Errorf("it is not of session %d, which has it", session))
		}
		if err := a.change(key, a.key, old, nil); err != nil {
			return err
		}
	}
	return nil
}

// clearRange deletes the records of a range, with all that goes with them, and reports
// whether there were any. A few are deleted one by one; more by one tombstone for all.
func (a *applier) clearRange(start, end []byte) (any bool, err error) {
	// What is removed while it walks does not change what it sees.
	it, err := a.batch.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return false, fmt.Errorf("walk a range: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for it.First(); it.Valid() && n < fewRecords; it.Next() {
		n++
	}
	few := !it.Valid()
	if err := it.Error(); err != nil || n == 0 {
		return false, err
	}
	// As soon as no record of the shard has something that goes with it, there is no
	// reason to look for more of them.
	for it.First(); it.Valid() && (few || a.state.attached > 0); it.Next() {
		if err := a.detachRow(it); err != nil {
			return false, err
		}
		if few {
			if err := a.unset(it.Key()); err != nil {
				return false, err
			}
		}
	}
	if few {
		return true, nil
	}
	return true, a.unsetRange(start, end)
}

// detachRow removes what goes with the record at the iterator.
func (a *applier) detachRow(it *pebble.Iterator) error {
	if a.state.attached == 0 {
		return nil
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return fmt.Errorf("walk a range: %w", err)
	}
	key := recordKeyOf(it.Key(), a.state.order)
	old, err := decodeRecord(value)
	if err != nil {
		return recordCorruption(a.shard, key, err)
	}
	return a.attach(key, &old, nil)
}
