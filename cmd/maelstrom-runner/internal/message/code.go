package message

import "strconv"

// Code is an error code of the Maelstrom protocol.
type Code int

// The codes Maelstrom defines. Codes from 1000 are free for nodes to use.
const (
	Timeout                Code = 0
	NodeNotFound           Code = 1
	NotSupported           Code = 10
	TemporarilyUnavailable Code = 11
	MalformedRequest       Code = 12
	Crash                  Code = 13
	Abort                  Code = 14
	KeyDoesNotExist        Code = 20
	KeyAlreadyExists       Code = 21
	PreconditionFailed     Code = 22
	TxnConflict            Code = 30
)

var codes = map[Code]struct {
	name     string
	definite bool
}{
	Timeout:                {"timeout", false},
	NodeNotFound:           {"node-not-found", true},
	NotSupported:           {"not-supported", true},
	TemporarilyUnavailable: {"temporarily-unavailable", true},
	MalformedRequest:       {"malformed-request", true},
	Crash:                  {"crash", false},
	Abort:                  {"abort", true},
	KeyDoesNotExist:        {"key-does-not-exist", true},
	KeyAlreadyExists:       {"key-already-exists", true},
	PreconditionFailed:     {"precondition-failed", true},
	TxnConflict:            {"txn-conflict", true},
}

// Definite tells whether the code proves that the operation never takes effect.
func (c Code) Definite() bool { return codes[c].definite }

func (c Code) String() string {
	if known, ok := codes[c]; ok {
		return known.name
	}
	return "code-" + strconv.Itoa(int(c))
}
