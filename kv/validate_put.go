package kv

import (
	"cmp"
	"fmt"

	"github.com/ostraka-db/ostraka/api"
)

// Limits of a put. They may change: Apply does not know them.
const (
	// MaxSecondaryIndexes bounds the entries of a record in secondary indexes.
	MaxSecondaryIndexes = 64
	// MaxIndexNameBytes bounds the name of an index. A secondary key has the limit of a
	// key.
	MaxIndexNameBytes = 1 << 10
	// MaxSequenceDeltas bounds the numbers in a key of a sequence.
	MaxSequenceDeltas = 64
)

// maxOverride is where version ids and modification counts from elsewhere end, so that
// those that follow never wrap around. It is a rule of a write, and frozen with it.
const maxOverride = 1 << 62

// contradiction refuses a put that no version of a state machine could carry out as it
// stands. It has no limits that may change, and Apply asks it too.
func contradiction(put *api.PutRequest) *RefusedError {
	if deltas := put.GetSequenceKeyDelta(); len(deltas) > 0 {
		switch {
		case put.PartitionKey == nil:
			return refuse(Invalid, "partition_key", "is not set, and the key is to be made of a sequence",
				"route the sequence by a partition key, since its keys would hash to all shards")
		case deltas[0] == 0:
			return refuse(Invalid, "sequence_key_delta[0]", "is 0", "send at least 1, so that the key is a new one")
		case put.ExpectedVersionId != nil:
			return refuse(Invalid, "expected_version_id", "is set, and the key is to be made of a sequence",
				"leave it out: the key is always a new one")
		}
	}
	return cmp.Or(
		checkOverride("override_version_id", put.OverrideVersionId),
		checkOverride("override_modifications_count", put.OverrideModificationsCount),
	)
}

func checkOverride(field string, override *int64) *RefusedError {
	if override == nil || (*override >= 0 && *override < maxOverride) {
		return nil
	}
	return refuse(Invalid, field, fmt.Sprintf("is %d", *override), fmt.Sprintf("send one from 0 to %d", int64(maxOverride-1)))
}

func checkDeltas(put *api.PutRequest) *RefusedError {
	numbers := len(put.GetSequenceKeyDelta())
	if numbers > MaxSequenceDeltas {
		return refuse(TooLarge, "sequence_key_delta", fmt.Sprintf("has %d numbers", numbers),
			fmt.Sprintf("send at most %d", MaxSequenceDeltas))
	}
	return checkLength("key", len(put.GetKey())+numbers*sequencePartBytes, MaxKeyBytes)
}

func checkIndexes(put *api.PutRequest) *RefusedError {
	entries := put.GetSecondaryIndexes()
	if len(entries) > MaxSecondaryIndexes {
		return refuse(TooLarge, "secondary_indexes", fmt.Sprintf("has %d entries", len(entries)),
			fmt.Sprintf("send at most %d", MaxSecondaryIndexes))
	}
	for i, e := range entries {
		refused := cmp.Or(
			checkKnown(e),
			checkText("index_name", e.GetIndexName(), MaxIndexNameBytes),
			checkText("secondary_key", e.GetSecondaryKey(), MaxKeyBytes),
		)
		if refused == nil && e.GetIndexName() == "" {
			refused = refuse(Invalid, "index_name", "is empty", "name the index with at least one byte")
		}
		if refused != nil {
			return refused.in("secondary_indexes", i)
		}
	}
	return nil
}
