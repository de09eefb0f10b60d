package client

import (
	"errors"
	"fmt"
)

// What operations end with, to be told apart by errors.Is. Each error that the client
// returns says besides what was attempted, and on which key.
var (
	// ErrKeyNotFound: there is no such record.
	ErrKeyNotFound = errors.New("there is no such record")
	// ErrUnexpectedVersion: the record is not of the version that was expected, or is
	// there although none was, or the other way about. Nothing was written.
	ErrUnexpectedVersion = errors.New("the record does not have the expected version")
	// ErrSessionNotFound: the session of an ephemeral record has ended. Nothing was
	// written.
	ErrSessionNotFound = errors.New("the session has ended")
	// ErrUnknownOutcome: a write was sent, and its answer was lost. It may have been
	// applied, or be applied yet.
	ErrUnknownOutcome = errors.New("it is not known whether the write was applied")
	// ErrConditionFailed: a condition of a transaction does not hold, and nothing was
	// done. The error is a *ConditionError.
	ErrConditionFailed = errors.New("a condition of the transaction does not hold")
	// ErrTooLarge: what an operation writes or reads is larger than servers take.
	// Nothing was written.
	ErrTooLarge = errors.New("too large")
	// ErrInvalid: no server could carry the operation out as it is. The error is an
	// *ArgumentError, or names what the server found.
	ErrInvalid = errors.New("invalid")
	// ErrNamespaceNotFound: the cluster has no such namespace.
	ErrNamespaceNotFound = errors.New("there is no such namespace")
	// ErrNotificationsDisabled: the namespace is kept without notifications.
	ErrNotificationsDisabled = errors.New("the namespace has no notifications")
	// ErrInterrupted: a scan was cut off after part of its records. The rest can be had
	// by a scan of its own, from behind the last key, as of a later moment.
	ErrInterrupted = errors.New("the scan was cut off")
	// ErrClosed: the client, session or subscription was closed.
	ErrClosed = errors.New("closed")
)

// ArgumentError says which argument of a call cannot be meant. Nothing was sent.
type ArgumentError struct {
	// Field names the argument, Problem says what is wrong with it, and Remedy what to
	// do about it.
	Field, Problem, Remedy string
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("%s %s; %s", e.Field, e.Problem, e.Remedy)
}

// Is makes the error one of ErrInvalid.
func (e *ArgumentError) Is(target error) bool { return target == ErrInvalid }

// ConditionError says which condition kept a transaction from happening.
type ConditionError struct {
	// Index is the condition's place among the conditions, from 0.
	Index int
	// Exists says whether the record of the condition is there. If so, Version is its
	// version, and Value its value where the condition asked for it.
	Exists  bool
	Version Version
	Value   []byte
}

func (e *ConditionError) Error() string {
	if !e.Exists {
		return fmt.Sprintf("condition %d does not hold: there is no such record", e.Index)
	}
	return fmt.Sprintf("condition %d does not hold: the record has version %d", e.Index, e.Version.ID)
}

// Is makes the error one of ErrConditionFailed.
func (e *ConditionError) Is(target error) bool { return target == ErrConditionFailed }

// unknown makes an ErrUnknownOutcome of what came in the answer's place.
func unknown(cause error) error { return fmt.Errorf("%w: %w", ErrUnknownOutcome, cause) }

// errShardGone ends what was meant for a shard that is not in the map any more, and
// cannot be sent to another by itself. It never leaves the package.
var errShardGone = errors.New("the shard is not in the shard map any more")
