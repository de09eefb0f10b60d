package client

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What servers take. A test holds these against the state machine's. They are checked
// here too because operations travel in batches: one that a server must refuse would
// have it refuse those of others with it.
const (
	maxKeyBytes              = 32 << 10
	maxValueBytes            = 16 << 20
	maxIdentityBytes         = 4 << 10
	maxOperations            = 64 << 10
	maxTransactionOperations = 1024
	maxRanges                = 1024
	maxSecondaryIndexes      = 64
	maxIndexNameBytes        = 1 << 10
	maxDeltas                = 64
	internalPrefix           = "__oxia/"
	overheadBytes            = 32 // of an operation in a request, about
	maxRequestBytes          = 32 << 20
)

func checkKey(key string) error {
	if key == "" {
		return &ArgumentError{"key", "is empty", "name the record with at least one byte"}
	}
	if strings.HasPrefix(key, internalPrefix) {
		return &ArgumentError{"key", fmt.Sprintf("starts with %q", internalPrefix), "choose another prefix: this one is the server's own"}
	}
	return checkText("key", key, maxKeyBytes)
}

func checkText(field, text string, limit int) error {
	if err := checkLength(field, len(text), limit); err != nil {
		return err
	}
	if !utf8.ValidString(text) {
		return &ArgumentError{field, "is not UTF-8", "encode it as UTF-8"}
	}
	return nil
}

func checkLength(field string, length, limit int) error {
	if length <= limit {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrTooLarge, &ArgumentError{
		field, fmt.Sprintf("has %d bytes", length), fmt.Sprintf("pass at most %d", limit)})
}

func checkPartition(partition *string) error {
	if partition == nil {
		return nil
	}
	return checkText("PartitionKey", *partition, maxKeyBytes)
}

func checkRange(start, end string, partition *string) error {
	if err := checkText("start", start, maxKeyBytes); err != nil {
		return err
	}
	if err := checkText("end", end, maxKeyBytes); err != nil {
		return err
	}
	return checkPartition(partition)
}

func checkExpected(field string, version *int64) error {
	if version == nil || *version >= -1 {
		return nil
	}
	return &ArgumentError{field, fmt.Sprintf("is %d", *version), "pass a version id that was returned"}
}
