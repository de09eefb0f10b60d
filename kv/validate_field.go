package kv

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// checkKnown refuses fields that this version has no name for. Passing them over
// would drop a condition the client counts on, and would let replicas of two
// versions make different things of one entry.
func checkKnown(m proto.Message) *RefusedError {
	if len(m.ProtoReflect().GetUnknown()) == 0 {
		return nil
	}
	return refuse(Unsupported, wholeMessage, "has a field that this server does not know",
		"use a client that is not newer than the server, or upgrade the server")
}

func checkKey(key string) *RefusedError {
	if key == "" {
		return refuse(Invalid, "key", "is empty", "name the record with at least one byte")
	}
	if strings.HasPrefix(key, InternalPrefix) {
		return refuse(Invalid, "key", fmt.Sprintf("starts with %q", InternalPrefix),
			"choose another prefix: this one is the server's own")
	}
	return checkText("key", key, MaxKeyBytes)
}

func checkText(field, text string, limit int) *RefusedError {
	if refused := checkLength(field, len(text), limit); refused != nil {
		return refused
	}
	// What came over the wire was checked when it was decoded; what was built in
	// this process was not, and would not decode when it is applied.
	if !utf8.ValidString(text) {
		return refuse(Invalid, field, "is not UTF-8", "encode it as UTF-8")
	}
	return nil
}

func checkLength(field string, length, limit int) *RefusedError {
	if length <= limit {
		return nil
	}
	return refuse(TooLarge, field, fmt.Sprintf("has %d bytes", length), fmt.Sprintf("send at most %d", limit))
}

func checkExpected(field string, expected *int64) *RefusedError {
	if expected == nil || *expected >= NoVersion {
		return nil
	}
	return refuse(Invalid, field, fmt.Sprintf("is %d", *expected),
		fmt.Sprintf("send a version id that was returned, or %d for a record that must not exist", NoVersion))
}

func checkRoute(field, route string, shard HashRange) *RefusedError {
	hash := keyspace.Hash(route)
	if shard.Contains(hash) {
		return nil
	}
	return refuse(WrongShard, field, fmt.Sprintf("hashes to %08x, outside the shard's range %s", hash, shard),
		"fetch the shard map again, and send the operation to the shard that holds this hash")
}
