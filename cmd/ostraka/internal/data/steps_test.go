package data

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever is typed is a transaction or a mistake of the user's, and the lines that a
// failed condition is told by are those that were typed.
func FuzzSteps(f *testing.F) {
	f.Add("if a version 3\nput a 'b c'\n# done", "raw")
	f.Add("if a value 00\nappend a ff\nget a\ndelete a", "hex")
	f.Add("put a b\nif a exists", "base64")
	f.Fuzz(func(t *testing.T, text, encoding string) {
		lines := strings.Split(text, "\n")
		s, err := parseSteps(lines, output.Encoding(encoding))
		if err != nil {
			if exit.CodeOf(err) != exit.Misused || err.Error() == "" {
				t.Errorf("%q: %v with exit code %d", text, err, exit.CodeOf(err))
			}
			return
		}
		conditions, operations := len(s.transaction.Conditions), len(s.transaction.Operations)
		if conditions != len(s.conditions) || operations != len(s.verbs) || conditions+operations == 0 || conditions+operations > len(lines) {
			t.Errorf("%q: %d conditions of %d, %d operations of %d", text, conditions, len(s.conditions), operations, len(s.verbs))
		}
	})
}

// Each end of an operation has its exit code, and says what to do where that is not
// plain.
func TestErrorsHaveExitCodes(t *testing.T) {
	c := NewConnection(false)
	for _, e := range []struct {
		err  error
		code exit.Code
		text string
	}{
		{nil, exit.OK, ""},
		{client.ErrKeyNotFound, exit.NotFound, "no such record"},
		{client.ErrUnexpectedVersion, exit.NotFound, "expected version"},
		{client.ErrSessionNotFound, exit.NotFound, "session has ended"},
		{&client.ConditionError{Index: 1}, exit.NotFound, "condition 1"},
		{client.ErrUnknownOutcome, exit.Unknown, "look before you write again"},
		// What is not known stays so, whatever the reason is that it is not known.
		{fmt.Errorf("%w: %w", client.ErrUnknownOutcome, context.DeadlineExceeded), exit.Unknown, "--exactly-once"},
		{&client.ArgumentError{Field: "key", Problem: "is empty", Remedy: "name one"}, exit.Misused, "name one"},
		{client.ErrTooLarge, exit.Misused, "too large"},
		{client.ErrNamespaceNotFound, exit.Misused, "--namespace default"},
		{client.ErrNotificationsDisabled, exit.Failed, "namespace patch default"},
		{context.DeadlineExceeded, exit.Failed, "--request-timeout"},
		{errors.New("anything"), exit.Failed, "anything"},
	} {
		err := e.err
		if err != nil {
			err = fmt.Errorf("put %q: %w", "a", err)
		}
		err = c.explain(err)
		if exit.CodeOf(err) != e.code || err != nil && !strings.Contains(err.Error(), e.text) {
			t.Errorf("%v: exit code %d of %v, want %d and %q", e.err, exit.CodeOf(err), err, e.code, e.text)
		}
		if again := c.explain(err); err != nil && again.Error() != err.Error() {
			t.Errorf("explained twice: %v", again)
		}
	}
}

// Errors of one kind have one reason, whatever is in their texts.
func TestReasonsAreFew(t *testing.T) {
	reasons := map[string]bool{}
	for i := range 10 {
		for _, err := range []error{
			fmt.Errorf("put %d: %w", i, client.ErrUnknownOutcome),
			fmt.Errorf("get %d: %w", i, context.DeadlineExceeded),
			fmt.Errorf("get %d: %w", i, api.NewError(api.ReasonResourceUnavailable, fmt.Sprint("full ", i), nil)),
		} {
			reasons[Reason(err)] = true
		}
	}
	if len(reasons) != 3 {
		t.Errorf("%d reasons: %v", len(reasons), reasons)
	}
}
