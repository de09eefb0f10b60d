package kv

import (
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
)

// ErrNotificationsDisabled is the answer of a shard whose settings want no
// notifications.
var ErrNotificationsDisabled = errors.New("the namespace keeps no notifications")

// NotificationsTrimmedError says that notifications which were asked for are not kept
// any more.
type NotificationsTrimmedError struct {
	Shard ShardID
	// After is what was asked for.
	After int64
	// ResumeAfter is the least offset to ask for with which nothing is missing. What
	// happened up to it is to be read from the records.
	ResumeAfter int64
}

func (e *NotificationsTrimmedError) Error() string {
	return fmt.Sprintf("shard %d: notifications after offset %d are not kept any more; read the records, and resume after offset %d",
		e.Shard, e.After, e.ResumeAfter)
}

// NotificationLimits bound a page of notifications. One batch is on it in any case, if
// there is one.
type NotificationLimits struct {
	Batches int
	// Bytes bounds the stored batches taken together, which are about as long as they
	// are on the wire.
	Bytes int
}

// NotificationPage is a run of notifications without a gap.
type NotificationPage struct {
	// Batches are in the order of their offsets. The caller owns them.
	Batches []*api.NotificationBatch
	// Through is the offset up to which there are no others: that of the last batch, or,
	// if there are none after it yet, of the last entry applied. The next page is after
	// it.
	Through int64
}

// Notifications returns what the entries after an offset changed, one batch for each
// that changed something. An offset below 1 is before all of them, and one that was not
// applied yet has nothing after it. All is of one moment, no earlier than the call.
//
// The error is ErrNotificationsDisabled, a *NotificationsTrimmedError if some of what is
// asked for is not there any more, a *ShardIDError, or storage's.
func (db *DB) Notifications(shard ShardID, after int64, limits NotificationLimits) (NotificationPage, error) {
	if shard < 0 {
		return NotificationPage{}, &ShardIDError{Shard: shard}
	}
	snapshot := db.pebble.NewSnapshot()
	defer snapshot.Close()
	state, err := readStateFrom(snapshot, shard)
	if err != nil {
		return NotificationPage{}, err
	}
	after = max(after, 0)
	switch {
	case state.silent:
		return NotificationPage{}, ErrNotificationsDisabled
	case after < state.trimmed:
		return NotificationPage{}, &NotificationsTrimmedError{Shard: shard, After: after, ResumeAfter: state.trimmed}
	case after >= state.applied.Offset:
		return NotificationPage{Through: after}, nil
	}
	page, err := readNotifications(snapshot, shard, after, limits)
	if err != nil {
		return NotificationPage{}, notificationsFailed(shard, err)
	}
	if page.Through == 0 {
		page.Through = state.applied.Offset
	}
	return page, nil
}

func notificationsFailed(shard ShardID, err error) error {
	return fmt.Errorf("shard %d: read notifications: %w", shard, damageOf(shard, err))
}

// readNotifications fills a page. Through is zero if there are no more.
func readNotifications(from pebble.Reader, shard ShardID, after int64, limits NotificationLimits) (page NotificationPage, err error) {
	it, err := from.NewIter(&pebble.IterOptions{
		LowerBound: appendNotificationKey(nil, shard, after+1), UpperBound: appendSpan(nil, shard, spanNotifications+1),
	})
	if err != nil {
		return NotificationPage{}, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	room := limits.Bytes
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return NotificationPage{}, err
		}
		room -= len(value)
		if n := len(page.Batches); n > 0 && (room < 0 || n >= limits.Batches) {
			page.Through = page.Batches[n-1].GetOffset()
			return page, nil
		}
		batch, err := batchOf(shard, it.Key(), value)
		if err != nil {
			return NotificationPage{}, err
		}
		page.Batches = append(page.Batches, batch)
	}
	return page, nil
}

// NotificationsBefore returns the offset up to which notifications are older than a
// time, in milliseconds since the epoch: what TrimNotificationsPayload is given when
// they were kept long enough. It is zero if there are none. Where the clocks of leaders
// went back, it may be off by what they went back.
//
// The error is a *ShardIDError or storage's.
func (db *DB) NotificationsBefore(shard ShardID, before uint64) (through int64, err error) {
	if shard < 0 {
		return 0, &ShardIDError{Shard: shard}
	}
	it, err := db.pebble.NewIter(&pebble.IterOptions{
		LowerBound: appendSpan(nil, shard, spanNotifications), UpperBound: appendSpan(nil, shard, spanNotifications+1),
	})
	if err != nil {
		return 0, notificationsFailed(shard, err)
	}
	defer func() {
		if closeErr := it.Close(); err == nil && closeErr != nil {
			through, err = 0, notificationsFailed(shard, closeErr)
		}
	}()
	if !it.Last() {
		return 0, nil
	}
	last, err := batchOf(shard, it.Key(), it.Value())
	if err != nil {
		return 0, err
	}
	if last.GetTimestamp() < before {
		return last.GetOffset(), nil
	}
	// What is up to low is older, and what is from high on is not. Each round halves what
	// is in between.
	low, high := int64(0), last.GetOffset()
	for low+1 < high {
		middle := low + (high-low)/2
		if !it.SeekGE(appendNotificationKey(nil, shard, middle)) {
			return 0, it.Error()
		}
		batch, err := batchOf(shard, it.Key(), it.Value())
		if err != nil {
			return 0, err
		}
		if batch.GetTimestamp() < before {
			low, through = batch.GetOffset(), batch.GetOffset()
		} else {
			high = middle
		}
	}
	return through, nil
}

// The first byte of the body of a KindAdministrative says what the rest is.
const (
	// administerTrim is followed by an offset of eight bytes.
	administerTrim byte = 1
)

// TrimNotificationsPayload returns the payload that drops the notifications up to an
// offset, which is included.
func TrimNotificationsPayload(through int64) []byte {
	return payloadOf(KindAdministrative, idsBody(administerTrim, []int64{through}))
}

// administer does what an administrative entry says.
func (a *applier) administer(id EntryID, body []byte) (Outcome, error) {
	f := fields{rest: body}
	what, through := f.byte(), int64(f.uint64())
	if f.err != nil || len(f.rest) > 0 || what != administerTrim {
		return Malformed, nil
	}
	return Applied, a.trimNotifications(min(through, id.Offset-1))
}

// trimNotifications drops the notifications up to an offset, and remembers the last that
// it dropped, so that who asks for it is told.
func (a *applier) trimNotifications(through int64) (err error) {
	if through <= a.state.trimmed {
		return nil
	}
	start, end := appendSpan(nil, a.shard, spanNotifications), appendNotificationKey(nil, a.shard, min(through, math.MaxInt64-1)+1)
	it, err := a.batch.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.Last() {
		return nil
	}
	last, err := notificationOffset(it.Key()[prefixBytes:])
	if err != nil {
		return &CorruptionError{Shard: a.shard, Row: fmt.Sprintf("notifications %x", it.Key()[prefixBytes:]), Detail: err.Error()}
	}
	a.state.trimmed = last
	return a.unsetRange(start, end)
}
