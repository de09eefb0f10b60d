package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// UnknownEntryError says that Apply stopped before an entry that this version of
// the program does not know. The replica needs a newer version; nothing else
// lets it go on, since skipping the entry would make it differ from its peers.
type UnknownEntryError struct {
	Shard   ShardID
	ID      EntryID
	Version byte
	Kind    Kind
}

func (e *UnknownEntryError) Error() string {
	return fmt.Sprintf("shard %d: entry %s has format version %d and kind %s, of which this server knows only version %d, and kinds up to %s; upgrade the server",
		e.Shard, e.ID, e.Version, e.Kind, PayloadVersion, KindOnce)
}

// SequenceError says that the caller's entries do not follow the applied one.
// It is a bug of the caller, and nothing was applied.
type SequenceError struct {
	Shard ShardID
	// After is the applied entry, or the entry before the offending one.
	After EntryID
	Got   EntryID
}

func (e *SequenceError) Error() string {
	return fmt.Sprintf("shard %d: entry %s does not follow %s", e.Shard, e.Got, e.After)
}

// ShardIDError says that a shard id is negative: a bug of the caller.
type ShardIDError struct {
	Shard ShardID
}

func (e *ShardIDError) Error() string { return fmt.Sprintf("shard id %d is negative", e.Shard) }

// CorruptionError says that what is stored cannot be what was written. The replica
// must be rebuilt from another.
type CorruptionError struct {
	Shard ShardID
	// Row is the damaged row: "state", or "record" and the key; or "table", if the
	// file that has it cannot be read.
	Row    string
	Detail string
}

// damageOf makes a *CorruptionError of what the storage engine says of a damaged
// file, and leaves any other error as it is.
func damageOf(shard ShardID, err error) error {
	if known := (*CorruptionError)(nil); err == nil || errors.As(err, &known) || !pebble.IsCorruptionError(err) {
		return err
	}
	return &CorruptionError{Shard: shard, Row: "table", Detail: err.Error()}
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("shard %d: %s is corrupt: %s", e.Shard, e.Row, e.Detail)
}

// Reason tells classes of refusals apart, for the edge that turns them into
// codes.
type Reason uint8

const (
	// Invalid requests are refused by every version of every server.
	Invalid Reason = iota + 1
	// TooLarge requests exceed one of the Max constants.
	TooLarge
	// Unsupported requests ask for what this version does not do.
	Unsupported
	// WrongShard requests belong to another shard: the client's map is old.
	WrongShard
	// SessionTimeout refuses the timeout of a session.
	SessionTimeout
)

// String returns the reason in words.
func (r Reason) String() string {
	switch r {
	case Invalid:
		return "invalid"
	case TooLarge:
		return "too large"
	case Unsupported:
		return "unsupported"
	case WrongShard:
		return "wrong shard"
	case SessionTimeout:
		return "session timeout"
	}
	return fmt.Sprintf("reason-%d", uint8(r))
}

// RefusedError says why a request was refused. Nothing was proposed or applied.
type RefusedError struct {
	Reason Reason
	// Field is the path of the offending field, such as "puts[3].key".
	Field string
	// Problem says what is wrong with it, and Remedy what to do about it.
	Problem string
	Remedy  string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: %s %s; %s", e.Reason, e.Field, e.Problem, e.Remedy)
}

func refuse(reason Reason, field, problem, remedy string) *RefusedError {
	return &RefusedError{Reason: reason, Field: field, Problem: problem, Remedy: remedy}
}

// in puts the field into an element of a list.
func (e *RefusedError) in(list string, index int) *RefusedError {
	return e.within(fmt.Sprintf("%s[%d]", list, index))
}

// within puts the field into another one.
func (e *RefusedError) within(field string) *RefusedError {
	if e.Field != wholeMessage {
		field += "." + e.Field
	}
	return refuse(e.Reason, field, e.Problem, e.Remedy)
}

// wholeMessage is the field of a refusal that concerns no single field.
const wholeMessage = "request"
