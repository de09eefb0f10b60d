package kv

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// notification is what an entry did to a key, or to a range that begins at it.
type notification struct {
	key  string
	kind api.NotificationType
	// versionID is that of the record as created or modified.
	versionID int64
	// end is a range's, exclusive; empty for the end of the shard.
	end string
}

// changed takes note of what a change does to a record.
func (a *applier) changed(key string, old, r *record) {
	if a.state.silent {
		return
	}
	n := notification{key: key, kind: api.NotificationType_KEY_DELETED}
	if r != nil {
		n.kind, n.versionID = api.NotificationType_KEY_CREATED, r.versionID
		if old != nil {
			n.kind = api.NotificationType_KEY_MODIFIED
		}
	}
	a.notes = append(a.notes, n)
}

// deletedRange takes note of a deleted range.
func (a *applier) deletedRange(start, end string) {
	if !a.state.silent {
		a.notes = append(a.notes, notification{key: start, kind: api.NotificationType_KEY_RANGE_DELETED, end: end})
	}
}

func (n *notification) isRange() bool { return n.kind == api.NotificationType_KEY_RANGE_DELETED }

// withoutCovered leaves out what was done to keys in ranges that were deleted: it is
// undone, and said of them by the range. Nothing is done to a key after a range is
// deleted in one entry.
func withoutCovered(order keyspace.Order, notes []notification) []notification {
	var ranges []notification
	for _, n := range notes {
		if n.isRange() {
			ranges = append(ranges, n)
		}
	}
	if len(ranges) == 0 {
		return notes
	}
	// Of ranges in the order of their starts, each is made to reach as far as any before
	// it: then the last one that starts at a key or before it tells.
	slices.SortFunc(ranges, func(a, b notification) int { return order.Compare(a.key, b.key) })
	for i := range ranges[1:] {
		ranges[i+1].end = laterEnd(order, ranges[i].end, ranges[i+1].end)
	}
	return slices.DeleteFunc(notes, func(n notification) bool {
		if n.isRange() {
			return false
		}
		after, _ := slices.BinarySearchFunc(ranges, n.key, func(r notification, key string) int {
			if order.Compare(r.key, key) <= 0 {
				return -1
			}
			return 1
		})
		return after > 0 && inRange(order, n.key, ranges[after-1].key, ranges[after-1].end)
	})
}

// laterEnd returns the one of two exclusive ends of ranges that comes last.
func laterEnd(order keyspace.Order, a, b string) string {
	if a == "" || (b != "" && order.Compare(a, b) > 0) {
		return a
	}
	return b
}

func inRange(order keyspace.Order, key, start, end string) bool {
	return order.Compare(key, start) >= 0 && (end == "" || order.Compare(key, end) < 0)
}

// notify writes down what the entry changed, if it changed anything.
func (a *applier) notify(entry *Entry) error {
	if len(a.notes) == 0 {
		return nil
	}
	a.notes = lastOfEachKey(a.state.order, withoutCovered(a.state.order, a.notes))
	a.value = appendNotifications(a.value[:0], entry.Timestamp, a.notes)
	a.notes = a.notes[:0]
	return a.set(appendNotificationKey(nil, a.shard, entry.ID.Offset), a.value)
}

// lastOfEachKey sorts notifications by the bytes of their keys, and leaves the last of
// each. Ranges that begin at one key are one, which ends where the longest does.
func lastOfEachKey(order keyspace.Order, notes []notification) []notification {
	slices.SortStableFunc(notes, func(a, b notification) int { return strings.Compare(a.key, b.key) })
	kept := notes[:0]
	for _, n := range notes {
		before := len(kept) - 1
		if before < 0 || kept[before].key != n.key {
			kept = append(kept, n)
			continue
		}
		if n.isRange() && kept[before].isRange() {
			n.end = laterEnd(order, kept[before].end, n.end)
		}
		kept[before] = n
	}
	return kept
}

const notificationsVersion = 1

// appendNotifications appends the stored form of what an entry changed.
func appendNotifications(dst []byte, timestamp uint64, notes []notification) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, notificationsVersion), timestamp)
	for _, n := range notes {
		dst = appendText(append(dst, byte(n.kind)), n.key)
		switch n.kind {
		case api.NotificationType_KEY_CREATED, api.NotificationType_KEY_MODIFIED:
			dst = binary.BigEndian.AppendUint64(dst, uint64(n.versionID))
		case api.NotificationType_KEY_RANGE_DELETED:
			dst = appendText(dst, n.end)
		}
	}
	return dst
}

var (
	errNotificationsVersion = errors.New("unknown version of notifications")
	errNotificationsKey     = errors.New("its offset is no number of eight bytes, from 1")
	errNotificationsKind    = errors.New("unknown kind of a notification")
	errNotificationsOrder   = errors.New("notifications that are none, or not ascending")
)

// decodeNotifications reads what appendNotifications wrote.
func decodeNotifications(b []byte) (timestamp uint64, notes []notification, err error) {
	f := fields{rest: b}
	if version := f.byte(); f.err == nil && version != notificationsVersion {
		return 0, nil, errNotificationsVersion
	}
	timestamp = f.uint64()
	for f.err == nil && len(f.rest) > 0 {
		n := notification{kind: api.NotificationType(f.byte()), key: f.text()}
		switch n.kind {
		case api.NotificationType_KEY_CREATED, api.NotificationType_KEY_MODIFIED:
			n.versionID = int64(f.uint64())
		case api.NotificationType_KEY_DELETED:
		case api.NotificationType_KEY_RANGE_DELETED:
			n.end = f.text()
		default:
			f.err = cmp.Or(f.err, errNotificationsKind)
		}
		if len(notes) > 0 && notes[len(notes)-1].key >= n.key {
			f.err = cmp.Or(f.err, errNotificationsOrder)
		}
		notes = append(notes, n)
	}
	if len(notes) == 0 {
		f.err = cmp.Or(f.err, errNotificationsOrder)
	}
	if f.err != nil {
		return 0, nil, f.err
	}
	return timestamp, notes, nil
}

func appendNotificationKey(dst []byte, shard ShardID, offset int64) []byte {
	return binary.BigEndian.AppendUint64(appendSpan(dst, shard, spanNotifications), uint64(offset))
}

// notificationOffset returns the offset in a row's own key.
func notificationOffset(own []byte) (int64, error) {
	if len(own) != 8 || own[0]&0x80 != 0 || bytes.Equal(own, make([]byte, 8)) {
		return 0, errNotificationsKey
	}
	return int64(binary.BigEndian.Uint64(own)), nil
}

// batchOf reads a row of notifications.
func batchOf(shard ShardID, row, value []byte) (*api.NotificationBatch, error) {
	offset, err := notificationOffset(row[prefixBytes:])
	var timestamp uint64
	var notes []notification
	if err == nil {
		timestamp, notes, err = decodeNotifications(value)
	}
	if err != nil {
		return nil, &CorruptionError{Shard: shard, Row: fmt.Sprintf("notifications %x", row[prefixBytes:]), Detail: err.Error()}
	}
	batch := &api.NotificationBatch{
		Shard: int64(shard), Offset: offset, Timestamp: timestamp, Notifications: make([]*api.NotificationEntry, len(notes)),
	}
	for i, n := range notes {
		told := &api.Notification{Type: n.kind}
		switch n.kind {
		case api.NotificationType_KEY_CREATED, api.NotificationType_KEY_MODIFIED:
			told.VersionId = proto.Int64(n.versionID)
		case api.NotificationType_KEY_RANGE_DELETED:
			told.KeyRangeLast = proto.String(n.end)
		}
		batch.Notifications[i] = &api.NotificationEntry{Key: proto.String(n.key), Value: told}
	}
	return batch, nil
}
