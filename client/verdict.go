package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
)

// verdict is what an error of a call says about what was asked.
type verdict struct {
	// refused: provably not applied, and it never will be.
	refused bool
	// again: asking again may help.
	again bool
	// moved: the server that was asked does not lead the shard or is not reached. hint
	// is the leader's address, where the server knew it.
	moved bool
	hint  string
	// rest: what followed the refused request on its stream is refused too.
	rest bool
}

// judge reads an error of a call to a shard's leader. An error that does not come from
// the server proves nothing about what the server did.
func judge(id int64, err error) verdict {
	reason, details := api.ReasonOf(err)
	v := verdict{rest: details[api.MetadataRest] == api.RestRefused}
	switch reason {
	case api.ReasonNodeIsNotLeader, api.ReasonNodeIsNotMember:
		v.refused, v.again, v.moved = true, true, true
		if details[api.MetadataShard] == strconv.FormatInt(id, 10) {
			v.hint = details[api.MetadataLeader]
		}
		return v
	case api.ReasonNotInitialized, api.ReasonShardNotFound:
		v.refused, v.again, v.moved = true, true, true
		return v
	case api.ReasonResourceUnavailable:
		v.refused, v.again = true, true
		return v
	case api.ReasonAborted, api.ReasonOutcomeUnknown:
		v.again = true
		return v
	}
	switch status.Code(err) {
	case codes.Unavailable:
		v.again, v.moved = true, true
	case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.OutOfRange, codes.PermissionDenied,
		codes.Unauthenticated, codes.Unimplemented:
		v.refused = true
	case codes.Canceled, codes.DeadlineExceeded:
		// A server that stops cancels what it has; our own cancelling is told by the
		// context of the call.
		v.again = true
	case codes.Unknown:
		v.again = errors.Is(err, io.EOF)
	}
	return v
}

// explain gives an error of a call that is not asked again the sentinel that users
// tell it by.
func explain(err error) error {
	reason, _ := api.ReasonOf(err)
	switch reason {
	case api.ReasonSessionNotFound:
		return fmt.Errorf("%w: %w", ErrSessionNotFound, err)
	case api.ReasonNamespaceNotFound:
		return fmt.Errorf("%w: %w", ErrNamespaceNotFound, err)
	case api.ReasonNotificationsNotEnabled:
		return fmt.Errorf("%w: %w", ErrNotificationsDisabled, err)
	}
	switch status.Code(err) {
	case codes.InvalidArgument:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case codes.ResourceExhausted:
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// late is the error of what ended because its context did: it is the context's, with
// what came of the last attempt.
func late(ctx context.Context, last error) error {
	cause := context.Cause(ctx)
	if last == nil {
		return cause
	}
	return fmt.Errorf("%w; the last attempt: %w", cause, last)
}
