package coordinator

import (
	"context"
	"errors"
	"fmt"
)

// What an order of an administrator may end with, beside the error of its context.
// Each error that an order returns is one of these, by errors.Is, and its text says more.
var (
	// ErrNotLeading: another coordinator leads, or none does yet. Nothing was done.
	ErrNotLeading = errors.New("this coordinator does not lead")
	// ErrNotFound: there is no such shard, or no such server.
	ErrNotFound = errors.New("not found")
	// ErrRefused: it cannot be, as things are. Nothing was done.
	ErrRefused = errors.New("refused")
	// ErrChanged: something else was wanted or came to be meanwhile. It may be asked anew.
	ErrChanged = errors.New("something changed meanwhile")
	// ErrGoesOn: what was asked for is stored, or under way, and goes on; only nobody
	// waits for it any more.
	ErrGoesOn = errors.New("it goes on")
	// ErrStore: the metadata store failed. It may have been done.
	ErrStore = errors.New("the metadata store failed")
)

// orderError is the end of an order: one of the errors above, in words, and what caused
// it, if anything did.
type orderError struct {
	kind, cause error
	text        string
}

func (e *orderError) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

func (e *orderError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

func refuse(kind error, format string, args ...any) error {
	return &orderError{kind: kind, text: fmt.Sprintf(format, args...)}
}

// goesOn says that nobody waits for an order any more.
func goesOn(ctx context.Context, format string, args ...any) error {
	return &orderError{kind: ErrGoesOn, cause: context.Cause(ctx), text: fmt.Sprintf(format, args...)}
}
