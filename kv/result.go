package kv

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// Outcome says what became of an entry as a whole. Its numbers enter the digest.
type Outcome uint8

const (
	// Applied: the entry did what it says. Single operations, or a transaction as
	// a whole, may still have failed their conditions; the response tells.
	Applied Outcome = 1
	// Malformed: the body cannot be decoded. No record changed.
	Malformed Outcome = 2
	// Refused: the body asks for what this version does not do, which Validate
	// would have said. No record changed.
	Refused Outcome = 3
	// Forgotten: a named request that was not carried out now, whether or not it was
	// before; no answer is known. No record changed.
	Forgotten Outcome = 4
)

// String returns the outcome in a word.
func (o Outcome) String() string {
	switch o {
	case Applied:
		return "applied"
	case Malformed:
		return "malformed"
	case Refused:
		return "refused"
	case Forgotten:
		return "forgotten"
	}
	return fmt.Sprintf("outcome-%d", uint8(o))
}

// Result is what became of one entry. It is the same on every replica.
type Result struct {
	ID EntryID
	// Kind is meaningless if the outcome is Malformed.
	Kind    Kind
	Outcome Outcome
	// Response answers the client of a write, and Transaction that of a
	// transaction; nil unless such an entry was applied. The caller owns them.
	Response    *api.WriteResponse
	Transaction *api.TransactionResponse
	// Repeated says that the response is that of an earlier entry, which has carried
	// the named request out.
	Repeated bool
	// Session is the one that the entry created, and Ended are those that it ended.
	Session *Session
	Ended   []int64
}

// Encode returns the response as the bytes of a WriteResponse, of a TransactionResponse
// or of a CreateSessionResponse, or as those that DecodeEndedSessions and DecodeOnce take, and nil if
// there is none. It is left to the caller when to
// pay for it, since only the replica that owes an answer needs the bytes.
func (r *Result) Encode() []byte {
	switch {
	case r.Kind == KindOnce:
		return r.encodeOnce()
	case r.Response != nil:
		return encode(r.Response)
	case r.Transaction != nil:
		return encode(r.Transaction)
	case r.Session != nil:
		return encode(&api.CreateSessionResponse{SessionId: r.Session.ID})
	case r.Kind == KindSession && r.Outcome == Applied:
		return encodeEnded(r.Ended)
	}
	return nil
}

func encode(response proto.Message) []byte {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(response)
	if err != nil {
		// Only a string that is not UTF-8 can do this, and every string of a
		// response came out of a decoded request or record, which had none.
		panic(fmt.Sprintf("kv: a response does not encode: %v", err))
	}
	return encoded
}
