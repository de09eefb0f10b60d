package host

import "time"

const (
	// maxEnvelopes and maxEnvelopeBytes bound what peers sent and the loop has not
	// taken yet. What comes beyond them is dropped.
	maxEnvelopes     = 1 << 17
	maxEnvelopeBytes = 256 << 20

	// MaxCalls bounds the calls of all shards that have not ended. Those beyond it are
	// refused as overload. The core's own limits lie above it.
	MaxCalls = 1 << 16
	// shardRoom bounds, in bytes, the writes of one shard that have not ended; each
	// counts callOverhead more than its payload. Those beyond it wait before they are
	// submitted, so that a shard without a quorum holds up nobody else.
	shardRoom    = 64 << 20
	callOverhead = 8 << 10
	// MaxPayload is the longest payload that is taken.
	MaxPayload = shardRoom - callOverhead

	// MaxCallTime bounds how long a call may take. One whose deadline is later ends by
	// then all the same.
	MaxCallTime = 30 * time.Second

	// lostAfter is how long the calls of a shard are kept waiting that this server does
	// not lead any more, or for which it reaches no quorum.
	lostAfter = 2 * time.Second

	// retentionEvery is how often the log is looked through for what it may let go;
	// retentionLowEvery, while its disk is low on room.
	retentionEvery    = 5 * time.Second
	retentionLowEvery = 250 * time.Millisecond
)
