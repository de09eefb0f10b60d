package public

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

// invalid says what is wrong with a field of a request, and what to do about it.
func invalid(field, problem, remedy string) error {
	return status.Errorf(codes.InvalidArgument, "%s %s; %s", field, problem, remedy)
}

func notInitialized() error {
	return api.NewError(api.ReasonNotInitialized,
		"this server has not heard from a coordinator yet; try again in a moment", nil)
}

func shardNotFound(id replication.ShardID) error {
	return api.NewError(api.ReasonShardNotFound,
		fmt.Sprintf("there is no shard %d; get the shard map again", id),
		map[string]string{api.MetadataShard: strconv.FormatInt(int64(id), 10)})
}

func namespaceNotFound(name string) error {
	return api.NewError(api.ReasonNamespaceNotFound,
		fmt.Sprintf("there is no namespace %q; name one that the cluster's configuration has", name), nil)
}

// ending ends what would last for ever.
func ending() error {
	return api.NewError(api.ReasonResourceUnavailable, "this server is stopping; go on with another", nil)
}

// notLeader says where to go, if that is known and is not here.
func (t *target) notLeader() error {
	metadata := map[string]string{api.MetadataShard: strconv.FormatInt(int64(t.ID), 10)}
	message := fmt.Sprintf("this server does not lead shard %d, and nobody is known to", t.ID)
	if address := t.directory.Public(t.Leader); address != "" && t.Leader != t.host.Self().ID {
		metadata[api.MetadataLeader] = address
		message = fmt.Sprintf("this server does not lead shard %d; %s does", t.ID, address)
	}
	return api.NewError(api.ReasonNodeIsNotLeader, message, metadata)
}

func unknownOutcome(id replication.ShardID) error {
	return api.NewError(api.ReasonOutcomeUnknown, fmt.Sprintf(
		"shard %d changed its leader, or did not reach a majority, before the write was answered: it may have happened, or may yet; look before it is sent again", id), nil)
}

// failed turns an error of the packages below into the one that a client is told. Nil
// stays nil, and a status is one already.
func (t *target) failed(err error) error {
	if err == nil {
		return nil
	}
	if _, is := status.FromError(err); is {
		return err
	}
	var (
		refused *host.RefusedError
		request *kv.RefusedError
		damaged *kv.CorruptionError
		gap     *kv.NotificationsTrimmedError
	)
	switch {
	case errors.As(err, &refused):
		return t.refused(refused.Why)
	case errors.As(err, &request):
		return refusedRequest(request)
	case errors.As(err, &damaged):
		return api.NewError(api.ReasonResourceUnavailable,
			fmt.Sprintf("the state of shard %d is damaged on this server, and is being repaired", t.ID), nil)
	case errors.As(err, &gap):
		return trimmed(gap)
	case errors.Is(err, kv.ErrNotificationsDisabled):
		return api.NewError(api.ReasonNotificationsNotEnabled,
			fmt.Sprintf("the namespace %q keeps no notifications; enable them in the cluster's configuration", t.Namespace), nil)
	case errors.Is(err, kv.ErrForgotten):
		return api.NewError(api.ReasonOutcomeUnknown,
			fmt.Sprintf("shard %d does not remember the request any more, and did not carry it out again: look before it is sent under another name", t.ID), nil)
	case errors.Is(err, host.ErrUnknown):
		return unknownOutcome(t.ID)
	case errors.Is(err, host.ErrClosed):
		return ending()
	case errors.Is(err, kv.ErrScanGone):
		return api.NewError(api.ReasonAborted,
			fmt.Sprintf("shard %d was replaced on this server while it was read; begin again", t.ID), nil)
	case errors.Is(err, errTooSlow):
		return api.NewError(api.ReasonAborted, "the answer was not read for too long, and was given up; ask again", nil)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return status.FromContextError(err).Err()
	}
	return status.Errorf(codes.Internal, "shard %d: %v", t.ID, err)
}

// withRest adds to the error that a stream of writes ends with that nothing happened of
// what came after the first write without an answer.
func withRest(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	rest := &errdetails.ErrorInfo{Domain: api.ErrorDomain, Metadata: map[string]string{}}
	if reason, metadata := api.ReasonOf(err); reason != "" {
		rest.Reason = string(reason)
		maps.Copy(rest.Metadata, metadata)
	}
	rest.Metadata[api.MetadataRest] = api.RestRefused
	again, err := status.New(s.Code(), s.Message()).WithDetails(rest)
	if err != nil {
		return s.Err() // it cannot be: the code is not OK, and the detail is a message
	}
	return again.Err()
}

// refused is the error for what the core refused: it is in no log, and never will be.
func (t *target) refused(why replication.Refusal) error {
	switch why {
	case replication.RefusedOverload, replication.RefusedExpired:
		return api.NewError(api.ReasonResourceUnavailable,
			fmt.Sprintf("shard %d takes no more requests at present; try again in a moment", t.ID), nil)
	case replication.RefusedNotMember:
		return api.NewError(api.ReasonNodeIsNotMember, fmt.Sprintf("shard %d has left this server", t.ID), nil)
	}
	return t.notLeader()
}

// refusedRequest is the error for a request that no state could carry out.
func refusedRequest(r *kv.RefusedError) error {
	if r.Reason == kv.SessionTimeout {
		return api.NewError(api.ReasonInvalidSessionTimeout, r.Error(), nil)
	}
	code := codes.InvalidArgument
	if r.Reason == kv.Unsupported {
		code = codes.Unimplemented
	}
	return status.Error(code, r.Error())
}
