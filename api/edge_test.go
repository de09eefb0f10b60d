package api

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The names are written out: a client finds a service by them alone.
func TestServicesHaveTheNamesThatClientsCall(t *testing.T) {
	for want, got := range map[string]string{
		"io.oxia.proto.v1.OxiaClient":           OxiaClient_ServiceDesc.ServiceName,
		"io.oxia.proto.v1.OxiaAdmin":            OxiaAdmin_ServiceDesc.ServiceName,
		"io.streamnative.oxia.proto.OxiaClient": CompatServiceName,
		"ostraka.v1.Ostraka":                    Ostraka_ServiceDesc.ServiceName,
		"ostraka.internal.v1.Coordination":      Coordination_ServiceDesc.ServiceName,
		"oxia-readiness":                        HealthReadiness,
	} {
		if got != want {
			t.Errorf("a service is called %q, want %q", got, want)
		}
	}
	if got, want := OxiaClient_WriteStream_FullMethodName, "/io.oxia.proto.v1.OxiaClient/WriteStream"; got != want {
		t.Errorf("a method is called %q, want %q", got, want)
	}
}

func TestHeadersAndDetailsAreTheContracts(t *testing.T) {
	for want, got := range map[string]string{
		"oxia.io": ErrorDomain, "namespace": HeaderNamespace, "shard-id": HeaderShard, "shard": MetadataShard,
		"leader": MetadataLeader, "coordinator-leader": MetadataCoordinatorLeader, "default": DefaultNamespace,
		"key-order": HeaderKeyOrder, "natural": KeySortingNatural, "hierarchical": KeySortingHierarchical,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// reasons is the contract's table; its last two rows are our own.
var reasons = []struct {
	reason Reason
	text   string
	code   codes.Code
}{
	{ReasonAborted, "ABORTED", codes.Aborted},
	{ReasonInvalidSessionTimeout, "INVALID_SESSION_TIMEOUT", codes.InvalidArgument},
	{ReasonSessionNotFound, "SESSION_NOT_FOUND", codes.NotFound},
	{ReasonNamespaceNotFound, "NAMESPACE_NOT_FOUND", codes.NotFound},
	{ReasonShardNotFound, "SHARD_NOT_FOUND", codes.NotFound},
	{ReasonInvalidTerm, "INVALID_TERM", codes.FailedPrecondition},
	{ReasonInvalidStatus, "INVALID_STATUS", codes.FailedPrecondition},
	{ReasonNotificationsNotEnabled, "NOTIFICATIONS_NOT_ENABLED", codes.FailedPrecondition},
	{ReasonNodeIsNotMember, "NODE_IS_NOT_MEMBER", codes.Aborted},
	{ReasonNodeIsNotLeader, "NODE_IS_NOT_LEADER", codes.Aborted},
	{ReasonNotInitialized, "NOT_INITIALIZED", codes.Unavailable},
	{ReasonResourceConflict, "RESOURCE_CONFLICT", codes.FailedPrecondition},
	{ReasonResourceUnavailable, "RESOURCE_UNAVAILABLE", codes.Unavailable},
	{ReasonOutcomeUnknown, "OUTCOME_UNKNOWN", codes.Unknown},
	{ReasonNotificationsTrimmed, "NOTIFICATIONS_TRIMMED", codes.OutOfRange},
}

func TestReasonsHaveTheirCodes(t *testing.T) {
	for _, row := range reasons {
		t.Run(row.text, func(t *testing.T) {
			err := NewError(row.reason, "what happened", map[string]string{MetadataShard: "7"})
			s, _ := status.FromError(err)
			if string(row.reason) != row.text || s.Code() != row.code || s.Message() != "what happened" {
				t.Fatalf("got reason %q, code %s, message %q", row.reason, s.Code(), s.Message())
			}
			if len(s.Details()) != 1 {
				t.Fatalf("has %d details, want one", len(s.Details()))
			}
			info, is := s.Details()[0].(*errdetails.ErrorInfo)
			if !is || info.GetDomain() != "oxia.io" || info.GetReason() != row.text || info.GetMetadata()["shard"] != "7" {
				t.Errorf("detail is %v", s.Details()[0])
			}
			if reason, metadata := ReasonOf(err); reason != row.reason || metadata[MetadataShard] != "7" {
				t.Errorf("read back as %q with %v", reason, metadata)
			}
		})
	}
}

func TestOtherErrorsHaveNoReason(t *testing.T) {
	foreign, err := status.New(codes.Aborted, "x").WithDetails(&errdetails.ErrorInfo{Domain: "example.org", Reason: "ABORTED"})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"plain": errors.New("x"), "nil": nil, "status without details": status.Error(codes.Aborted, "x"),
		"another domain": foreign.Err(),
	} {
		if reason, metadata := ReasonOf(err); reason != "" || metadata != nil {
			t.Errorf("%s: got %q with %v", name, reason, metadata)
		}
	}
	if got := Reason("NEVER_HEARD").Code(); got != codes.Unknown {
		t.Errorf("an unheard reason has code %s", got)
	}
}

// The batch of the contract is a map on the wire; ours is a list of entries, which
// must have a map entry's numbers.
func TestNotificationEntryIsAMapEntryOnTheWire(t *testing.T) {
	fields := (&NotificationEntry{}).ProtoReflect().Descriptor().Fields()
	value := fields.ByNumber(2).Message()
	if fields.Len() != 2 || fields.ByNumber(1).Kind() != protoreflect.StringKind || value == nil || value.Name() != "Notification" {
		t.Error("its fields are not string key = 1 and Notification value = 2")
	}
}

func TestDefaultsAreTheContracts(t *testing.T) {
	for name, pair := range map[string][2]any{
		"public port":             {PublicPort, 6648},
		"internal port":           {InternalPort, 6649},
		"admin port":              {AdminPort, 6651},
		"metrics port":            {MetricsPort, 8080},
		"profile address":         {ProfileAddress, "127.0.0.1:6060"},
		"message size":            {MaxMessageBytes, 268435456},
		"server keep-alive":       {MinKeepAlive, 5 * time.Second},
		"client keep-alive":       {ClientKeepAlive, 10 * time.Second},
		"client keep-alive wait":  {ClientKeepAliveTimeout, 3 * time.Second},
		"chunk size":              {MaxChunkBytes, 2097152},
		"chunk records":           {MaxChunkRecords, 1000},
		"least session timeout":   {MinSessionTimeout, 2 * time.Second},
		"longest session timeout": {MaxSessionTimeout, 300 * time.Second},
		"session timeout":         {DefaultSessionTimeout, 15 * time.Second},
		"request timeout":         {DefaultRequestTimeout, 30 * time.Second},
		"batch size":              {DefaultMaxBatchBytes, 131072},
		"batch requests":          {DefaultMaxBatchRequests, 1000},
		"notification retention":  {DefaultNotificationRetention, 60 * time.Minute},
		"log retention":           {DefaultLogRetention, 60 * time.Minute},
		"schedule interval":       {DefaultScheduleInterval, 30 * time.Second},
		"quarantine time":         {DefaultQuarantineTime, 300 * time.Second},
		"read cache":              {DefaultReadCacheMB, 100},
		"checksum interval":       {DefaultChecksumInterval, 300 * time.Second},
		"split shard size":        {DefaultSplitShardSizeMB, 1024},
		"split throughput":        {DefaultSplitThroughputOps, 10000},
		"split stabilization":     {DefaultSplitStabilization, 60 * time.Second},
		"split cooldown":          {DefaultSplitCooldown, 300 * time.Second},
		"split shards":            {DefaultSplitMaxShards, 64},
		"split collection":        {DefaultSplitCollectionPeriod, 30 * time.Second},
		"no version":              {NoVersion, int64(-1)},
		"first version":           {FirstVersion, int64(0)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}
