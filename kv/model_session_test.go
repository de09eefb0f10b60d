package kv

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// drawSession draws an entry about sessions, and does it in the model.
func (m *model) drawSession(t *rapid.T, offset int64) []byte {
	payload := sessionPayloadGenerator().Draw(t, "session")
	change, _ := parseSessionChange(payload[payloadHeaderBytes:])
	if change.create != nil {
		m.sessions = append(m.sessions, offset)
		return payload
	}
	for _, id := range change.ended {
		at := slices.Index(m.sessions, id)
		if at < 0 {
			continue
		}
		m.sessions = slices.Delete(slices.Clone(m.sessions), at, at+1)
		m.ended = append(m.ended, id)
		maps.DeleteFunc(m.records, func(key string, r *modelRecord) bool {
			owned := r.version.SessionId != nil && r.version.GetSessionId() == id
			if owned {
				m.tell(key, api.NotificationType_KEY_DELETED)
			}
			return owned
		})
	}
	return payload
}

// checkSessions holds the sessions that there are, and those that an entry ended,
// against the model.
func (m *model) checkSessions(t *rapid.T, db *DB, shard ShardID, result Result) {
	if !slices.Equal(result.Ended, m.ended) {
		t.Fatalf("ended %v, want %v", result.Ended, m.ended)
	}
	if decoded, err := DecodeEndedSessions(result.Encode()); result.Kind == KindSession && result.Session == nil &&
		(err != nil || !slices.Equal(decoded, m.ended)) {
		t.Fatalf("the result says %v, %v", decoded, err)
	}
	m.ended = nil
	sessions, err := db.Sessions(shard)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, s := range sessions {
		ids = append(ids, s.ID)
		if one, found, err := db.Session(shard, s.ID); one != s || !found || err != nil {
			t.Fatalf("session %d: %v, %v, %v", s.ID, one, found, err)
		}
	}
	if !slices.Equal(ids, m.sessions) {
		t.Fatalf("sessions %v, want %v", ids, m.sessions)
	}
}

// parseSession makes the payload of a line about sessions.
func parseSession(t *testing.T, kind string, words []string) []byte {
	if kind == "create" {
		words = append(words, "")
		ms, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatal(err)
		}
		return CreateSessionPayload(time.Duration(ms)*time.Millisecond, words[1])
	}
	var ids []int64
	for _, word := range words {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if kind == "close" {
		return CloseSessionsPayload(ids...)
	}
	return ExpireSessionsPayload(ids...)
}

func describeSessions(db *DB, shard ShardID) (string, error) {
	sessions, err := db.Sessions(shard)
	if err != nil {
		return "", err
	}
	records, err := scanAll(db, shard, &api.RangeScanRequest{})
	var out strings.Builder
	for _, s := range sessions {
		fmt.Fprintf(&out, "%d: created %d, timeout %s, identity %q:", s.ID, s.Created, s.Timeout, s.Identity)
		for _, r := range records {
			if v := r.GetVersion(); v.SessionId != nil && v.GetSessionId() == s.ID {
				fmt.Fprintf(&out, " %s", r.GetKey())
			}
		}
		out.WriteByte('\n')
	}
	return out.String(), err
}

// A session's timeout has limits, and the refusal says which.
func TestSessionsAreValidated(t *testing.T) {
	for _, c := range []struct {
		name   string
		req    *api.CreateSessionRequest
		reason Reason // 0: accepted
	}{
		{"shortest", &api.CreateSessionRequest{SessionTimeoutMs: 2000, ClientIdentity: "me"}, 0},
		{"longest", &api.CreateSessionRequest{SessionTimeoutMs: 300_000}, 0},
		{"too short", &api.CreateSessionRequest{SessionTimeoutMs: 1999}, SessionTimeout},
		{"too long", &api.CreateSessionRequest{SessionTimeoutMs: 300_001}, SessionTimeout},
		{"none", &api.CreateSessionRequest{}, SessionTimeout},
		{"identity too long", &api.CreateSessionRequest{SessionTimeoutMs: 2000, ClientIdentity: strings.Repeat("i", MaxIdentityBytes+1)}, TooLarge},
		{"identity that is not UTF-8", &api.CreateSessionRequest{SessionTimeoutMs: 2000, ClientIdentity: "\xff"}, Invalid},
	} {
		err := ValidateSession(c.req)
		refused, _ := err.(*RefusedError)
		if (c.reason == 0) != (err == nil) || (refused != nil && (refused.Reason != c.reason || refused.Remedy == "")) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What is no result of such an entry is told.
func TestEndedSessionsAreDecoded(t *testing.T) {
	for _, result := range [][]byte{nil, {}, {1}, {2, 0, 0}, encode(&api.CreateSessionResponse{SessionId: 3})} {
		if ids, err := DecodeEndedSessions(result); err == nil {
			t.Errorf("%x reads as %v", result, ids)
		}
	}
	if ids, err := DecodeEndedSessions(encodeEnded(nil)); err != nil || len(ids) != 0 {
		t.Errorf("none ended: %v, %v", ids, err)
	}
}

// What a session put, and another session or nobody put after it, outlives it; what it
// put itself after another does not (Oxia #525).
func TestEndOfASessionLeavesWhatOthersTookOver(t *testing.T) {
	for name, end := range map[string]func(...int64) []byte{"closed": CloseSessionsPayload, "expired": ExpireSessionsPayload} {
		t.Run(name, func(t *testing.T) {
			db := openForTest(t)
			put := func(key string, sessions ...int64) *api.WriteRequest {
				req := &api.WriteRequest{}
				for _, id := range sessions {
					one := &api.PutRequest{Key: key, SecondaryIndexes: []*api.SecondaryIndex{{IndexName: "i", SecondaryKey: fmt.Sprint(id)}}}
					if id > 0 {
						one.SessionId = &id
					}
					req.Puts = append(req.Puts, one)
				}
				return req
			}
			payloads := [][]byte{
				CreateSessionPayload(time.Second, ""), CreateSessionPayload(time.Second, ""),
				mustPayload(put("own", 1)), mustPayload(put("other's", 1, 2)), mustPayload(put("nobody's", 1, 0)),
				mustPayload(put("back", 1, 2, 1)), mustPayload(put("transaction's", 1)),
				mustTransaction(&api.TransactionRequest{Operations: []*api.TransactionOperation{doAppend("transaction's", "x")}}),
				end(1),
			}
			for i, payload := range payloads {
				mustApply(t, db, 1, []Entry{{ID: EntryID{1, int64(i) + 1}, Payload: payload}})
			}
			keys, err := listAll(db, 1, &api.ListRequest{})
			if want := []string{"nobody's", "other's", "transaction's"}; err != nil || !slices.Equal(keys, want) {
				t.Errorf("%q are left, %v", keys, err)
			}
			checkRows(t, db, 1)
		})
	}
}

// Ending a session with many records takes them all at once, and nobody else's.
func TestManyRecordsGoWithTheirSession(t *testing.T) {
	db := openForTest(t)
	entries := []Entry{
		{ID: EntryID{1, 1}, Payload: CreateSessionPayload(time.Second, "")},
		{ID: EntryID{1, 2}, Payload: CreateSessionPayload(time.Second, "")},
	}
	req := &api.WriteRequest{}
	const each = 2000
	for i := range 2 * each {
		session := int64(1 + i%2)
		req.Puts = append(req.Puts, &api.PutRequest{
			Key: fmt.Sprintf("%d/%d", i%3, i), SessionId: &session,
			SecondaryIndexes: []*api.SecondaryIndex{{IndexName: "i", SecondaryKey: fmt.Sprint(i % 5)}},
		})
	}
	entries = append(entries, Entry{ID: EntryID{1, 3}, Payload: mustPayload(req)})
	entries = append(entries, Entry{ID: EntryID{1, 4}, Payload: ExpireSessionsPayload(1)})
	mustApply(t, db, 1, entries)
	keys, err := listAll(db, 1, &api.ListRequest{})
	if err != nil || len(keys) != each {
		t.Fatalf("%d records are left, %v", len(keys), err)
	}
	index := "i"
	if keys, err = listAll(db, 1, &api.ListRequest{SecondaryIndexName: &index}); err != nil || len(keys) != each {
		t.Fatalf("%d entries of the index are left, %v", len(keys), err)
	}
	checkRows(t, db, 1)
}
