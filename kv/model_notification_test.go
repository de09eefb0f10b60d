package kv

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// modelNotifications is what a watcher of the model is told.
type modelNotifications struct {
	silent  bool
	trimmed int64
	batches []*api.NotificationBatch
	// told is what the entry being applied did, by key; whole says that this is to be
	// seen from the records before and after it.
	told  map[string]*api.Notification
	whole bool
}

func (m *model) tell(key string, kind api.NotificationType) {
	if m.told == nil {
		m.told = map[string]*api.Notification{}
	}
	told := &api.Notification{Type: kind}
	if r := m.records[key]; r != nil && kind != api.NotificationType_KEY_DELETED {
		told.VersionId = proto.Int64(r.version.GetVersionId())
	}
	m.told[key] = told
}

// tellRange tells of a range in the place of all that was told of keys in it.
func (m *model) tellRange(start, end string) {
	const kind = api.NotificationType_KEY_RANGE_DELETED
	if before := m.told[start]; before.GetType() == kind && end != "" &&
		(before.GetKeyRangeLast() == "" || m.order.Compare(before.GetKeyRangeLast(), end) > 0) {
		end = before.GetKeyRangeLast()
	}
	maps.DeleteFunc(m.told, func(key string, told *api.Notification) bool {
		return told.GetType() != kind && m.inRange(key, start, end)
	})
	m.tell(start, kind)
	m.told[start].VersionId, m.told[start].KeyRangeLast = nil, proto.String(end)
}

// notify ends an entry.
func (m *model) notify(entry Entry, before map[string]*modelRecord) {
	if m.whole {
		for key, r := range m.records {
			if old := before[key]; old == nil {
				m.tell(key, api.NotificationType_KEY_CREATED)
			} else if old != r {
				m.tell(key, api.NotificationType_KEY_MODIFIED)
			}
		}
		for key := range before {
			if m.records[key] == nil {
				m.tell(key, api.NotificationType_KEY_DELETED)
			}
		}
	}
	if len(m.told) > 0 && !m.silent {
		batch := &api.NotificationBatch{Offset: entry.ID.Offset, Timestamp: entry.Timestamp}
		for _, key := range slices.Sorted(maps.Keys(m.told)) {
			batch.Notifications = append(batch.Notifications, &api.NotificationEntry{Key: proto.String(key), Value: m.told[key]})
		}
		m.batches = append(m.batches, batch)
	}
	m.told, m.whole = nil, false
}

// drawTrim draws an entry that trims, and does it in the model.
func (m *model) drawTrim(t *rapid.T, offset int64) []byte {
	through := rapid.Int64Range(-1, offset+2).Draw(t, "through")
	for len(m.batches) > 0 && m.batches[0].GetOffset() <= through {
		m.trimmed = m.batches[0].GetOffset()
		m.batches = m.batches[1:]
	}
	return TrimNotificationsPayload(through)
}

// checkNotifications reads all that there is after some offset, page by page.
func (m *model) checkNotifications(t *rapid.T, db *DB, shard ShardID, applied int64) {
	after := rapid.Int64Range(-1, applied+1).Draw(t, "after")
	limits := NotificationLimits{Batches: rapid.IntRange(0, 3).Draw(t, "batches"), Bytes: rapid.IntRange(0, 200).Draw(t, "bytes")}
	page, err := db.Notifications(shard, after, limits)
	trimmed := (*NotificationsTrimmedError)(nil)
	switch {
	case m.silent:
		if !errors.Is(err, ErrNotificationsDisabled) {
			t.Fatalf("notifications that are off: %v", err)
		}
		return
	case max(after, 0) < m.trimmed:
		if !errors.As(err, &trimmed) || trimmed.ResumeAfter != m.trimmed {
			t.Fatalf("after %d, trimmed up to %d: %v", after, m.trimmed, err)
		}
		after = trimmed.ResumeAfter
		page, err = db.Notifications(shard, after, limits)
	}
	var got []*api.NotificationBatch
	for from := max(after, 0); ; {
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Batches) > max(limits.Batches, 1) || page.Through < from {
			t.Fatalf("a page of %d batches, from %d through %d", len(page.Batches), from, page.Through)
		}
		got = append(got, page.Batches...)
		if from = page.Through; from >= applied {
			break
		}
		page, err = db.Notifications(shard, from, limits)
	}
	var want []*api.NotificationBatch
	for _, batch := range m.batches {
		if batch.GetOffset() > after {
			want = append(want, batch)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("after %d\ngot  %v\nwant %v", after, got, want)
	}
	for i := range want {
		got[i].Shard = 0
		if !proto.Equal(got[i], want[i]) {
			t.Fatalf("got  %v\nwant %v", got[i], want[i])
		}
	}
}

func (s *script) notifications(t *testing.T, d *datadriven.TestData, shard ShardID) (string, error) {
	if d.HasArg("before") {
		var before uint64
		d.ScanArgs(t, "before", &before)
		through, err := s.disk.db.NotificationsBefore(shard, before)
		return fmt.Sprintf("through %d\n", through), err
	}
	var after int64
	limits := NotificationLimits{Batches: 100, Bytes: 1 << 20}
	d.MaybeScanArgs(t, "after", &after)
	d.MaybeScanArgs(t, "batches", &limits.Batches)
	d.MaybeScanArgs(t, "bytes", &limits.Bytes)
	page, err := s.disk.db.Notifications(shard, after, limits)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, batch := range page.Batches {
		fmt.Fprintf(&out, "%d @%d\n", batch.GetOffset(), batch.GetTimestamp())
		for _, n := range batch.GetNotifications() {
			fmt.Fprintf(&out, "  %s %q", n.GetValue().GetType(), n.GetKey())
			if n.GetValue().VersionId != nil {
				fmt.Fprintf(&out, " version=%d", n.GetValue().GetVersionId())
			}
			if n.GetValue().KeyRangeLast != nil {
				fmt.Fprintf(&out, " to %q", n.GetValue().GetKeyRangeLast())
			}
			out.WriteByte('\n')
		}
	}
	fmt.Fprintf(&out, "through %d\n", page.Through)
	return out.String(), nil
}

// A lookup of the nearest record does not stray into the backlog of notifications,
// however long it is, but ends where the records do (Oxia #1243).
func TestNearestRecordIsFoundBesideALongBacklog(t *testing.T) {
	db := openForTest(t)
	var entries []Entry
	for i := range int64(3000) {
		entries = append(entries, Entry{ID: EntryID{1, i + 1}, Payload: mustPayload(putOf("only", fmt.Sprint(i)))})
	}
	mustApply(t, db, 1, entries)
	for number, name := range api.KeyComparisonType_name {
		for _, key := range []string{"a", "only", "z"} {
			got, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{{Key: key, ComparisonType: api.KeyComparisonType(number)}}})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{
				"EQUAL": key == "only", "FLOOR": key != "a", "LOWER": key == "z", "CEILING": key != "z", "HIGHER": key == "a",
			}[name]
			if found := got.GetGets()[0].GetStatus() == api.Status_OK; found != want {
				t.Errorf("%s %q: found %v", name, key, found)
			}
		}
	}
}

// What a watcher is told is of keys that it could have read: each notification names a
// key that a record has or had, or a range in which one was (etcd GHSA-xg4h-6gfc-h4m8).
func TestNotificationsTellOfRecordsAlone(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		entries := entriesGenerator(10).Draw(t, "entries")
		had := map[string]bool{}
		for i := range entries {
			mustApply(t, d.db, shard, entries[i:i+1])
			keys, err := listAll(d.db, shard, &api.ListRequest{IncludeInternalKeys: true})
			if err != nil {
				t.Fatal(err)
			}
			settings, err := d.db.Settings(shard)
			if err != nil {
				t.Fatal(err)
			}
			order, _ := orderOf(settings.GetKeyOrder())
			page, err := d.db.Notifications(shard, entries[i].ID.Offset-1, NotificationLimits{Batches: 1})
			if trimmed := (*NotificationsTrimmedError)(nil); err != nil && !errors.Is(err, ErrNotificationsDisabled) && !errors.As(err, &trimmed) {
				t.Fatal(err)
			}
			for _, batch := range page.Batches {
				for _, n := range batch.GetNotifications() {
					within := func(key string) bool {
						if n.GetValue().GetType() != api.NotificationType_KEY_RANGE_DELETED {
							return key == n.GetKey()
						}
						return inRange(order, key, n.GetKey(), n.GetValue().GetKeyRangeLast())
					}
					written := bytes.Contains(entries[i].Payload, []byte(cmp.Or(n.GetKey(), "\x00")))
					if strings.HasPrefix(n.GetKey(), InternalPrefix) || (!slices.ContainsFunc(keys, within) &&
						!slices.ContainsFunc(slices.Collect(maps.Keys(had)), within) && !written) {
						t.Fatalf("told of %v, and there was no such record", n)
					}
				}
			}
			for _, key := range keys {
				had[key] = true
			}
		}
	})
}
