package api

import "time"

// DefaultNamespace is the namespace that an empty name means.
const DefaultNamespace = "default"

// Names under which gRPC services are found besides those of the .proto files.
const (
	// CompatServiceName is the name by which clients of older releases call
	// OxiaClient: the same methods and messages.
	CompatServiceName = "io.streamnative.oxia.proto.OxiaClient"
	// HealthReadiness is the health service that is SERVING once a server knows the
	// shard map. The empty service tells that the process lives.
	HealthReadiness = "oxia-readiness"
)

// Default ports.
const (
	// PublicPort is where a data server serves clients.
	PublicPort = 6648
	// InternalPort is where servers and coordinators meet.
	InternalPort = 6649
	// AdminPort is where a coordinator serves the administration.
	AdminPort = 6651
	// MetricsPort is where a process serves its metrics over HTTP.
	MetricsPort = 8080
	// ProfileAddress is where a process serves profiles, if it is told to.
	ProfileAddress = "127.0.0.1:6060"
)

// What both ends of a connection must agree on.
const (
	// MaxMessageBytes bounds a gRPC message in either direction.
	MaxMessageBytes = 256 << 20
	// MinKeepAlive is how often a client may ping a connection.
	MinKeepAlive = 5 * time.Second
	// ClientKeepAlive is how long a client's connection may be silent before it is
	// pinged, and ClientKeepAliveTimeout how long the answer may take.
	ClientKeepAlive        = 10 * time.Second
	ClientKeepAliveTimeout = 3 * time.Second
)

// How large the parts are, about, in which long answers are sent.
const (
	MaxChunkBytes   = 2 << 20
	MaxChunkRecords = 1000
)

// Sessions. The timeout of a session lies between MinSessionTimeout and
// MaxSessionTimeout; both are allowed.
const (
	MinSessionTimeout     = 2 * time.Second
	MaxSessionTimeout     = 5 * time.Minute
	DefaultSessionTimeout = 15 * time.Second
)

// Defaults of clients.
const (
	DefaultRequestTimeout   = 30 * time.Second
	DefaultMaxBatchBytes    = 128 << 10
	DefaultMaxBatchRequests = 1000
)

// Defaults of what operators configure.
const (
	DefaultNotificationRetention = time.Hour
	DefaultLogRetention          = time.Hour
	DefaultScheduleInterval      = 30 * time.Second
	DefaultQuarantineTime        = 5 * time.Minute
	DefaultReadCacheMB           = 100
	DefaultChecksumInterval      = 5 * time.Minute
	// Defaults of AutoSplitConfig, which is off unless it is enabled.
	DefaultSplitShardSizeMB      = 1024
	DefaultSplitThroughputOps    = 10000
	DefaultSplitStabilization    = time.Minute
	DefaultSplitCooldown         = 5 * time.Minute
	DefaultSplitMaxShards        = 64
	DefaultSplitCollectionPeriod = 30 * time.Second
)

// Version ids with a meaning of their own.
const (
	// NoVersion, as an expected version id, asks that there be no record.
	NoVersion int64 = -1
	// FirstVersion is the version id of a shard's first put.
	FirstVersion int64 = 0
)
