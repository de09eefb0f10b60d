package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// The limits of what is stored.
const (
	// MaxValueBytes bounds one value.
	MaxValueBytes = 4 << 20
	// MaxKeyBytes bounds one key.
	MaxKeyBytes = 128
)

// ErrConflict says that a document, or the lease, is not of the version that a
// change was for. Nothing was stored.
var ErrConflict = errors.New("the stored version is another")

// Document is a value as it is stored.
type Document struct {
	Value []byte
	// Version counts the changes of the document, from 1.
	Version int64
}

// Change is one conditional change.
type Change struct {
	Key string
	// Value is the new value, as JSON. Nil, and not only empty, deletes the document.
	Value []byte
	// Version is what the stored version has to be: zero if there is to be none.
	Version int64
}

// Lease is who leads among the coordinators, and how the others see that it lives.
type Lease struct {
	// Holder is the name of the coordinator that leads, or did last.
	Holder string `json:"holder"`
	// Address is where admins reach it.
	Address string `json:"address"`
	// Run numbers the reigns: it grows with each, and is not below the milliseconds of
	// the clock when it began.
	Run uint64 `json:"run"`
	// Beat is raised by the holder for as long as it lives.
	Beat uint64 `json:"beat"`
	// Released is set by a holder that gave up.
	Released bool `json:"released,omitempty"`
}

// Provider stores documents and the lease. The contract is the package's.
type Provider interface {
	// Read returns those of the documents that exist.
	Read(ctx context.Context, keys []string) (map[string]Document, error)
	// List returns all documents whose keys begin with a prefix.
	List(ctx context.Context, prefix string) (map[string]Document, error)
	// Update makes the changes, and returns what became of each.
	Update(ctx context.Context, changes []Change) []error

	// ReadLease returns the lease and its version, which is zero if there was none
	// ever.
	ReadLease(ctx context.Context) (Lease, int64, error)
	// WriteLease stores the lease if the stored version is the given one.
	WriteLease(ctx context.Context, lease Lease, version int64) error
	// LeaseChanged receives after the lease may have changed: soon after, or never,
	// so that who waits for it looks now and then all the same. There is one receiver.
	LeaseChanged() <-chan struct{}

	// Close ends the provider.
	Close() error
}

// Deletes reports whether the change is a deletion.
func (c Change) Deletes() bool { return c.Value == nil }

var keyPattern = regexp.MustCompile(`^[a-zA-Z0-9/._\-]+$`)

// Check says what is wrong with a change that no provider can store.
func (c Change) Check() error {
	switch {
	case len(c.Key) > MaxKeyBytes || !keyPattern.MatchString(c.Key):
		return fmt.Errorf("store document %q: a key has 1 to %d letters, digits and characters of -/._", c.Key, MaxKeyBytes)
	case c.Deletes() && c.Version == 0:
		return fmt.Errorf("delete document %s of version 0: name the version that is to be deleted", c.Key)
	case c.Deletes():
		return nil
	case len(c.Value) == 0 || len(c.Value) > MaxValueBytes:
		return fmt.Errorf("store document %s of %d bytes: a value has 1 to %d", c.Key, len(c.Value), MaxValueBytes)
	case !json.Valid(c.Value):
		return fmt.Errorf("store document %s: its value is not JSON", c.Key)
	}
	return nil
}

// Failed returns one error for each of n changes: what becomes of an Update that
// failed as a whole.
func Failed(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
