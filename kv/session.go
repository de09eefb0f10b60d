package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
)

// Limits of sessions. They may change: Apply does not know them.
const (
	// MinSessionTimeout and MaxSessionTimeout bound the timeout of a session.
	MinSessionTimeout = 2 * time.Second
	MaxSessionTimeout = 5 * time.Minute
	// MaxEndedSessions bounds the sessions that one entry ends, and so what a batch of
	// them deletes at once.
	MaxEndedSessions = 128
)

// Session is a session as the applied entries know it. When it is over without a word of
// its client is the leader's to tell: nothing here is about the present.
type Session struct {
	// ID is the offset of the entry that created the session.
	ID int64
	// Created is when, in milliseconds since the epoch by the clock of the leader of then.
	Created uint64
	Timeout time.Duration
	// Identity is what the client called itself.
	Identity string
}

// ValidateSession refuses, before it is proposed, a session that may not be created.
// The error is a *RefusedError, with the reason SessionTimeout if it is for that.
func ValidateSession(req *api.CreateSessionRequest) error {
	timeout := time.Duration(req.GetSessionTimeoutMs()) * time.Millisecond
	if timeout < MinSessionTimeout || timeout > MaxSessionTimeout {
		return refuse(SessionTimeout, "session_timeout_ms", fmt.Sprintf("is %d", req.GetSessionTimeoutMs()),
			fmt.Sprintf("send one from %d to %d", MinSessionTimeout.Milliseconds(), MaxSessionTimeout.Milliseconds()))
	}
	if refused := checkText("client_identity", req.GetClientIdentity(), MaxIdentityBytes); refused != nil {
		return refused
	}
	if refused := checkKnown(req); refused != nil {
		return refused
	}
	return nil
}

// Sessions returns the sessions of a shard, as the last entry applied left them, by
// their ids. The error is a *ShardIDError or storage's.
func (db *DB) Sessions(shard ShardID) (sessions []Session, err error) {
	if shard < 0 {
		return nil, &ShardIDError{Shard: shard}
	}
	it, err := db.pebble.NewIter(&pebble.IterOptions{
		LowerBound: appendSpan(nil, shard, spanSessions), UpperBound: appendSpan(nil, shard, spanSessions+1),
	})
	if err != nil {
		return nil, sessionsFailed(shard, err)
	}
	defer func() {
		if closeErr := it.Close(); err == nil && closeErr != nil {
			sessions, err = nil, sessionsFailed(shard, closeErr)
		}
	}()
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, sessionsFailed(shard, err)
		}
		session, err := sessionOf(shard, it.Key(), value)
		if err != nil {
			return nil, err
		}
		sessions = append(sessions, session)
	}
	return sessions, nil
}

func sessionsFailed(shard ShardID, err error) error {
	return fmt.Errorf("shard %d: read sessions: %w", shard, damageOf(shard, err))
}

// Session returns a session of a shard, and whether there is one of that id. The error
// is a *ShardIDError or storage's.
func (db *DB) Session(shard ShardID, id int64) (Session, bool, error) {
	if shard < 0 {
		return Session{}, false, &ShardIDError{Shard: shard}
	}
	session, found, err := readSession(db.pebble, shard, id)
	if err != nil {
		return Session{}, false, sessionsFailed(shard, err)
	}
	return session, found, nil
}

func readSession(from pebble.Reader, shard ShardID, id int64) (Session, bool, error) {
	row := appendSessionKey(nil, shard, id)
	value, closer, err := from.Get(row)
	if errors.Is(err, pebble.ErrNotFound) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, err
	}
	defer closer.Close()
	session, err := sessionOf(shard, row, value)
	return session, err == nil, err
}

func appendSessionKey(dst []byte, shard ShardID, id int64) []byte {
	return binary.BigEndian.AppendUint64(appendSpan(dst, shard, spanSessions), uint64(id))
}

// sessionOf reads a session's row.
func sessionOf(shard ShardID, row, value []byte) (Session, error) {
	session, err := decodeSession(row[prefixBytes:], value)
	if err != nil {
		return Session{}, &CorruptionError{Shard: shard, Row: fmt.Sprintf("session %x", row[prefixBytes:]), Detail: err.Error()}
	}
	return session, nil
}

const sessionVersion = 1

var (
	errSessionKey     = errors.New("its id is no number of eight bytes")
	errSessionVersion = errors.New("unknown version of a session")
)

// appendSession appends the stored form of a session, without its id.
func appendSession(dst []byte, s Session) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, sessionVersion), s.Created)
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.Timeout.Milliseconds()))
	return append(dst, s.Identity...)
}

// decodeSession reads a row's own key, and what appendSession wrote.
func decodeSession(own, value []byte) (Session, error) {
	if len(own) != 8 {
		return Session{}, errSessionKey
	}
	f := fields{rest: value}
	if version := f.byte(); f.err == nil && version != sessionVersion {
		return Session{}, errSessionVersion
	}
	s := Session{ID: int64(binary.BigEndian.Uint64(own)), Created: f.uint64(), Timeout: millis(f.uint32())}
	if f.err == nil && !utf8.Valid(f.rest) {
		return Session{}, errRecordText
	}
	s.Identity = string(f.rest)
	return s, f.err
}

func millis(ms uint32) time.Duration { return time.Duration(ms) * time.Millisecond }
