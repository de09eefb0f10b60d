package public

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

func targetOf(t *testing.T, s *Service) *target {
	t.Helper()
	found, err := s.targetOf(0)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What may have happened is told apart from what did not, whatever package says so.
func TestErrorsBecomeWhatClientsActOn(t *testing.T) {
	s, d := service()
	d.Told(told(1, "s2"))
	to := targetOf(t, s)
	refused := func(why replication.Refusal) error { return &host.RefusedError{Shard: 0, Why: why} }
	for _, e := range []struct {
		err error
		refusal
	}{
		{refused(replication.RefusedNotLeader), refusal{codes.Aborted, api.ReasonNodeIsNotLeader, []string{"h2:1 does"}}},
		{refused(replication.RefusedOverload), refusal{codes.Unavailable, api.ReasonResourceUnavailable, []string{"try again"}}},
		{refused(replication.RefusedExpired), refusal{codes.Unavailable, api.ReasonResourceUnavailable, []string{"try again"}}},
		{refused(replication.RefusedNotMember), refusal{codes.Aborted, api.ReasonNodeIsNotMember, []string{"has left"}}},
		{host.ErrClosed, refusal{codes.Unavailable, api.ReasonResourceUnavailable, []string{"stopping"}}},
		{host.ErrUnknown, refusal{codes.Unknown, api.ReasonOutcomeUnknown, []string{"may have happened", "look"}}},
		{kv.ErrForgotten, refusal{codes.Unknown, api.ReasonOutcomeUnknown, []string{"does not remember", "look"}}},
		{kv.ErrScanGone, refusal{codes.Aborted, api.ReasonAborted, []string{"begin again"}}},
		{errTooSlow, refusal{codes.Aborted, api.ReasonAborted, []string{"not read", "ask again"}}},
		{&kv.CorruptionError{}, refusal{codes.Unavailable, api.ReasonResourceUnavailable, []string{"repaired"}}},
		{&kv.NotificationsTrimmedError{ResumeAfter: 7}, refusal{codes.OutOfRange, api.ReasonNotificationsTrimmed, nil}},
		{kv.ErrNotificationsDisabled, refusal{codes.FailedPrecondition, api.ReasonNotificationsNotEnabled, []string{"default", "enable"}}},
		{&kv.RefusedError{Reason: kv.Unsupported}, refusal{code: codes.Unimplemented}},
		{&kv.RefusedError{}, refusal{code: codes.InvalidArgument}},
		{context.DeadlineExceeded, refusal{code: codes.DeadlineExceeded}},
		{context.Canceled, refusal{code: codes.Canceled}},
		{errors.New("surprise"), refusal{code: codes.Internal, names: []string{"shard 0", "surprise"}}},
		{status.Error(codes.DataLoss, "said already"), refusal{code: codes.DataLoss, names: []string{"said already"}}},
	} {
		e.check(t, fmt.Sprintf("%T %v", e.err, e.err), to.failed(e.err))
		if _, is := status.FromError(e.err); !is {
			wrapped := fmt.Errorf("while it was done: %w", e.err)
			refusal{code: e.code, reason: e.reason}.check(t, wrapped.Error(), to.failed(wrapped))
		}
	}
	if err := to.failed(nil); err != nil {
		t.Errorf("nothing failed, and it is told %v", err)
	}
}

// A client is not sent to who refused it, nor to whose address is not known.
func TestHintsNameTheLeaderIfThatIsKnown(t *testing.T) {
	for leader, want := range map[string]string{"s2": "h2:1", "": "", "gone": ""} {
		s, d := service()
		d.Told(told(1, leader))
		_, details := api.ReasonOf(targetOf(t, s).notLeader())
		if details[api.MetadataLeader] != want || details[api.MetadataShard] != "0" {
			t.Errorf("of the leader %q it is told %v", leader, details)
		}
	}
}

// That nothing happened of the rest is added to what an error says, and takes nothing
// away.
func TestRestIsAddedToAnError(t *testing.T) {
	for _, err := range []error{
		api.NewError(api.ReasonNodeIsNotLeader, "elsewhere", map[string]string{api.MetadataShard: "3", api.MetadataLeader: "h:1"}),
		status.Error(codes.InvalidArgument, "no good"),
	} {
		for _, told := range []error{withRest(err), withRest(withRest(err))} {
			reason, details := api.ReasonOf(told)
			before, had := api.ReasonOf(err)
			if status.Code(told) != status.Code(err) || status.Convert(told).Message() != status.Convert(err).Message() || reason != before {
				t.Errorf("%v became %v", err, told)
			}
			if details[api.MetadataRest] != api.RestRefused || len(details) != len(had)+1 || details[api.MetadataLeader] != had[api.MetadataLeader] {
				t.Errorf("the details %v became %v", had, details)
			}
		}
	}
	if plain := errors.New("no status"); !errors.Is(withRest(plain), plain) {
		t.Error("an error that is no status is another")
	}
}
