package data

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// explained is an error that says what to do.
type explained struct{ error }

func (e explained) Unwrap() error { return e.error }

// explain gives an error of the client its exit code, and says what to do where that
// is not plain from the error itself. One that was explained stays as it is.
func (c *Connection) explain(err error) error {
	if err == nil || exit.CodeOf(err) != exit.Failed || errors.As(err, new(explained)) {
		return err
	}
	return explained{c.remedy(err)}
}

// remedy is explain for the first time. The order matters: an unknown outcome is one
// whatever its cause.
func (c *Connection) remedy(err error) error {
	switch {
	case errors.Is(err, client.ErrUnknownOutcome):
		return exit.With(exit.Unknown, fmt.Errorf("%w: look before you write again, or write with --exactly-once", err))
	case errors.Is(err, client.ErrNamespaceNotFound):
		return exit.Usage("namespace", c.namespace, "there is no such namespace: ostraka admin namespace create makes one")
	case errors.Is(err, client.ErrKeyNotFound), errors.Is(err, client.ErrUnexpectedVersion),
		errors.Is(err, client.ErrConditionFailed), errors.Is(err, client.ErrSessionNotFound):
		return exit.With(exit.NotFound, err)
	case errors.Is(err, client.ErrInvalid), errors.Is(err, client.ErrTooLarge):
		return exit.With(exit.Misused, err)
	case errors.Is(err, client.ErrNotificationsDisabled):
		return fmt.Errorf("%w: ostraka admin namespace patch %s --notifications=true turns them on", err, c.namespace)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: a shard may be without a leader; ostraka admin namespace get shows it, --request-timeout waits longer", err)
	}
	return err
}

// Reason returns a few words for an error of the client, the same for errors of one
// kind.
func Reason(err error) string {
	for _, known := range []error{
		client.ErrUnknownOutcome, client.ErrUnexpectedVersion, client.ErrSessionNotFound, client.ErrNamespaceNotFound,
		client.ErrTooLarge, client.ErrInvalid, client.ErrClosed,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if reason, _ := api.ReasonOf(err); reason != "" {
		return string(reason)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out"
	}
	return err.Error()
}
