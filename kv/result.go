package kv

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// Outcome says what became of an entry as a whole. Its numbers enter the digest.
type Outcome uint8

const (
	// Applied: the entry did what it says. Single operations may still have
	// failed their conditions; the response tells.
	Applied Outcome = 1
	// Malformed: the body cannot be decoded. No record changed.
	Malformed Outcome = 2
	// Refused: the body asks for what this version does not do, which Validate
	// would have said. No record changed.
	Refused Outcome = 3
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
	}
	return fmt.Sprintf("outcome-%d", uint8(o))
}

// Result is what became of one entry. It is the same on every replica.
type Result struct {
	ID EntryID
	// Kind is meaningless if the outcome is Malformed.
	Kind    Kind
	Outcome Outcome
	// Response answers the client; nil unless a write was applied. The caller owns it.
	Response *api.WriteResponse
}

// Encode returns the response as the bytes of a WriteResponse, and nil if there
// is no response. It is left to the caller when to pay for it, since only the
// replica that owes an answer needs the bytes.
func (r *Result) Encode() []byte {
	if r.Response == nil {
		return nil
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.Response)
	if err != nil {
		// Only a string that is not UTF-8 can do this, and every string of a
		// response came out of a decoded request, which had none.
		panic(fmt.Sprintf("kv: a response does not encode: %v", err))
	}
	return encoded
}
