package api

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrorDomain is the domain of the ErrorInfo that an error of the public API has
// among its details.
const ErrorDomain = "oxia.io"

// Reason tells errors of the public API apart: the reason of their ErrorInfo.
type Reason string

// The reasons. Each has one gRPC code; see Code.
const (
	ReasonAborted                 Reason = "ABORTED"
	ReasonInvalidSessionTimeout   Reason = "INVALID_SESSION_TIMEOUT"
	ReasonSessionNotFound         Reason = "SESSION_NOT_FOUND"
	ReasonNamespaceNotFound       Reason = "NAMESPACE_NOT_FOUND"
	ReasonShardNotFound           Reason = "SHARD_NOT_FOUND"
	ReasonInvalidTerm             Reason = "INVALID_TERM"
	ReasonInvalidStatus           Reason = "INVALID_STATUS"
	ReasonNotificationsNotEnabled Reason = "NOTIFICATIONS_NOT_ENABLED"
	ReasonNodeIsNotMember         Reason = "NODE_IS_NOT_MEMBER"
	// ReasonNodeIsNotLeader: nothing was appended, so that the request may be sent
	// again. MetadataShard and MetadataLeader, where they are present, say to whom.
	ReasonNodeIsNotLeader      Reason = "NODE_IS_NOT_LEADER"
	ReasonNotInitialized       Reason = "NOT_INITIALIZED"
	ReasonResourceConflict     Reason = "RESOURCE_CONFLICT"
	ReasonResourceUnavailable  Reason = "RESOURCE_UNAVAILABLE"
	ReasonOutcomeUnknown       Reason = "OUTCOME_UNKNOWN"
	ReasonNotificationsTrimmed Reason = "NOTIFICATIONS_TRIMMED"
)

// Keys of an ErrorInfo's metadata.
const (
	MetadataShard             = "shard"
	MetadataLeader            = "leader"
	MetadataCoordinatorLeader = "coordinator-leader"
	// MetadataResumeAfter goes with ReasonNotificationsTrimmed: the offset to resume
	// after, exclusive, from which on nothing is missing.
	MetadataResumeAfter = "resume-after"
	// MetadataRest goes with the error that ends a WriteStream. RestRefused says that
	// what the client sent after the first unanswered request was not applied and never
	// will be; without it, of those nothing is known. The reason is about the first.
	MetadataRest = "rest"
	RestRefused  = "refused"
)

// Headers of calls, as gRPC metadata.
const (
	// HeaderNamespace and HeaderShard route a WriteStream; each comes exactly once.
	HeaderNamespace = "namespace"
	HeaderShard     = "shard-id"
	// HeaderKeyOrder is in the header that a server answers Read, List and RangeScan
	// with: the order of the keys of the shard's namespace, KeySortingNatural or
	// KeySortingHierarchical. A client that merges the answers of several shards
	// merges by it; the shard map has no place for it.
	HeaderKeyOrder = "key-order"
)

// The orders of keys by their names in headers and in the configuration.
const (
	KeySortingNatural      = "natural"
	KeySortingHierarchical = "hierarchical"
)

// Code returns the gRPC code that errors of a reason have, and codes.Unknown for a
// reason that is not one of the constants.
func (r Reason) Code() codes.Code {
	switch r {
	case ReasonAborted, ReasonNodeIsNotMember, ReasonNodeIsNotLeader:
		return codes.Aborted
	case ReasonInvalidSessionTimeout:
		return codes.InvalidArgument
	case ReasonSessionNotFound, ReasonNamespaceNotFound, ReasonShardNotFound:
		return codes.NotFound
	case ReasonInvalidTerm, ReasonInvalidStatus, ReasonNotificationsNotEnabled, ReasonResourceConflict:
		return codes.FailedPrecondition
	case ReasonNotInitialized, ReasonResourceUnavailable:
		return codes.Unavailable
	case ReasonOutcomeUnknown:
		// Not one that any client of Oxia's retries.
		return codes.Unknown
	case ReasonNotificationsTrimmed:
		return codes.OutOfRange
	}
	return codes.Unknown
}

// NewError returns an error of the public API. Metadata may be nil.
func NewError(reason Reason, message string, metadata map[string]string) error {
	s, err := status.New(reason.Code(), message).WithDetails(&errdetails.ErrorInfo{
		Reason: string(reason), Domain: ErrorDomain, Metadata: metadata,
	})
	if err != nil {
		// It cannot be: the code is not OK, and the detail is a message.
		return status.Error(reason.Code(), message)
	}
	return s.Err()
}

// ReasonOf returns the reason of an error that a call of the public API returned,
// and the metadata that goes with it; the empty reason if it has none.
func ReasonOf(err error) (Reason, map[string]string) {
	s, ok := status.FromError(err)
	if !ok {
		return "", nil
	}
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == ErrorDomain {
			return Reason(info.GetReason()), info.GetMetadata()
		}
	}
	return "", nil
}
