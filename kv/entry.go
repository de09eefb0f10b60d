package kv

import (
	"errors"
	"fmt"
)

// ShardID names a shard in the cluster. It is never negative.
type ShardID int64

// EntryID names an entry of a shard's log. The zero EntryID comes before the
// first entry, whose offset is 1.
type EntryID struct {
	Term, Offset int64
}

func (id EntryID) String() string { return fmt.Sprintf("%d.%d", id.Term, id.Offset) }

// Entry is one committed entry of a shard's log.
type Entry struct {
	ID EntryID
	// Timestamp is in milliseconds since the Unix epoch, by the clock of the
	// leader that proposed the entry.
	Timestamp uint64
	// Payload is a header and a body, as made by BarrierPayload and the other
	// functions whose names end so.
	Payload []byte
}

// Kind says what the body of a payload is.
type Kind byte

const (
	// KindBarrier is a leader's first entry. Its body is a ShardSettings, which from
	// then on are the shard's; an empty one leaves those that it has.
	KindBarrier Kind = 0
	// KindWrite has the bytes of a client's WriteRequest as its body.
	KindWrite Kind = 1
	// KindTransaction has the bytes of a TransactionRequest as its body.
	KindTransaction Kind = 2
	// KindSession creates a session, or ends some.
	KindSession Kind = 3
	// KindAdministrative drops notifications that were kept long enough.
	KindAdministrative Kind = 4
	// KindOnce has a write or a transaction that is carried out once, however often it
	// is proposed.
	KindOnce Kind = 5
)

// String returns the kind's name, or its number if it has none.
func (k Kind) String() string {
	switch k {
	case KindBarrier:
		return "barrier"
	case KindWrite:
		return "write"
	case KindTransaction:
		return "transaction"
	case KindSession:
		return "session"
	case KindAdministrative:
		return "administrative"
	case KindOnce:
		return "once"
	}
	return fmt.Sprintf("kind-%d", byte(k))
}

// PayloadVersion is the format version that this package writes, and the only
// one that it understands.
const PayloadVersion = 1

// payloadHeaderBytes is the length of the header: a version and a kind.
const payloadHeaderBytes = 2

// BarrierPayload returns the payload of a barrier without settings. With the bytes
// of a ShardSettings after it, it is the payload of one that brings those.
func BarrierPayload() []byte { return []byte{PayloadVersion, byte(KindBarrier)} }

// WritePayload returns the payload of a write. The bytes are copied; they are
// what the client sent, and Validate has accepted them.
func WritePayload(writeRequest []byte) []byte { return payloadOf(KindWrite, writeRequest) }

// TransactionPayload returns the payload of a transaction. The bytes are copied;
// they are a TransactionRequest that ValidateTransaction has accepted.
func TransactionPayload(transactionRequest []byte) []byte {
	return payloadOf(KindTransaction, transactionRequest)
}

func payloadOf(kind Kind, body []byte) []byte {
	payload := make([]byte, 0, payloadHeaderBytes+len(body))
	payload = append(payload, PayloadVersion, byte(kind))
	return append(payload, body...)
}

// ErrShortPayload means that a payload has no whole header. No version ever
// writes such a payload, so it is malformed to all of them.
var ErrShortPayload = errors.New("payload is shorter than its header")

// ParsePayload splits a payload. The body is a part of the payload, not a copy.
// The error is ErrShortPayload, or an *UnknownEntryError without shard and id.
func ParsePayload(payload []byte) (Kind, []byte, error) {
	if len(payload) < payloadHeaderBytes {
		return 0, nil, ErrShortPayload
	}
	version, kind := payload[0], Kind(payload[1])
	if version != PayloadVersion || kind > KindOnce {
		return 0, nil, &UnknownEntryError{Version: version, Kind: kind}
	}
	return kind, payload[payloadHeaderBytes:], nil
}
