package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// The first byte of the body of a KindSession says what the rest is.
const (
	// sessionCreate is followed by the timeout in milliseconds, four bytes, and the
	// client's identity.
	sessionCreate byte = 1
	// sessionClose and sessionExpire are followed by ids of eight bytes each, one at
	// least. What they do is the same; the log tells why.
	sessionClose  byte = 2
	sessionExpire byte = 3
)

// CreateSessionPayload returns the payload that creates a session, whose id is the
// offset of its entry. ValidateSession has accepted it. Of a timeout, whole
// milliseconds count.
func CreateSessionPayload(timeout time.Duration, identity string) []byte {
	body := binary.BigEndian.AppendUint32([]byte{sessionCreate}, uint32(timeout.Milliseconds()))
	return payloadOf(KindSession, append(body, identity...))
}

// CloseSessionsPayload returns the payload that ends sessions because their clients
// want it: one at least, and no more than MaxEndedSessions.
func CloseSessionsPayload(ids ...int64) []byte {
	return payloadOf(KindSession, idsBody(sessionClose, ids))
}

// ExpireSessionsPayload returns the payload that ends sessions because nobody kept them
// alive: one at least, and no more than MaxEndedSessions.
func ExpireSessionsPayload(ids ...int64) []byte {
	return payloadOf(KindSession, idsBody(sessionExpire, ids))
}

func idsBody(what byte, ids []int64) []byte {
	body := []byte{what}
	for _, id := range ids {
		body = binary.BigEndian.AppendUint64(body, uint64(id))
	}
	return body
}

// sessionChange is the body of a KindSession, decoded.
type sessionChange struct {
	// create is what is created; nil if ended are what ends.
	create *Session
	ended  []int64
}

// parseSessionChange reads a body, and reports whether it is one.
func parseSessionChange(body []byte) (sessionChange, bool) {
	f := fields{rest: body}
	switch f.byte() {
	case sessionCreate:
		timeout := millis(f.uint32())
		if f.err != nil || !utf8.Valid(f.rest) {
			return sessionChange{}, false
		}
		return sessionChange{create: &Session{Timeout: timeout, Identity: string(f.rest)}}, true
	case sessionClose, sessionExpire:
		ids, whole := parseIDs(f.rest)
		return sessionChange{ended: ids}, whole && len(ids) > 0
	}
	return sessionChange{}, false
}

func parseIDs(b []byte) (ids []int64, whole bool) {
	f := fields{rest: b}
	for len(f.rest) > 0 {
		ids = append(ids, int64(f.uint64()))
	}
	return ids, f.err == nil
}

var errEndedSessions = errors.New("kv: these bytes are no result of an entry that ends sessions")

// encodeEnded returns the result of an entry that ended sessions, for who proposed it.
func encodeEnded(ids []int64) []byte { return idsBody(sessionClose, ids) }

// DecodeEndedSessions returns the ids in an encoded result of an entry that was to end
// sessions: those that there were.
func DecodeEndedSessions(result []byte) ([]int64, error) {
	f := fields{rest: result}
	if f.byte() != sessionClose {
		return nil, errEndedSessions
	}
	ids, whole := parseIDs(f.rest)
	if !whole {
		return nil, errEndedSessions
	}
	return ids, nil
}

// session creates a session, or ends some.
func (a *applier) session(entry *Entry, body []byte, result *Result) error {
	change, known := parseSessionChange(body)
	if !known {
		result.Outcome = Malformed
		return nil
	}
	if s := change.create; s != nil {
		s.ID, s.Created = entry.ID.Offset, entry.Timestamp
		a.value = appendSession(a.value[:0], *s)
		if err := a.set(appendSessionKey(nil, a.shard, s.ID), a.value); err != nil {
			return err
		}
		result.Session = s
		return nil
	}
	for _, id := range change.ended {
		ended, err := a.endSession(id)
		if err != nil {
			return fmt.Errorf("end session %d: %w", id, err)
		}
		if ended {
			result.Ended = append(result.Ended, id)
		}
	}
	return nil
}

// endSession deletes a session and its records, and reports whether there was one.
func (a *applier) endSession(id int64) (bool, error) {
	_, found, err := readSession(a.batch, a.shard, id)
	if err != nil || !found {
		return false, err
	}
	if err := a.deleteOwned(id); err != nil {
		return false, err
	}
	return true, a.unset(appendSessionKey(nil, a.shard, id))
}
