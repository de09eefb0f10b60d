package keyspace

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
)

// Order is a total order of keys, fixed when a namespace is created. An order is
// defined by an encoding: keys compare as the bytes of their encodings do, which
// is how the storage engine compares them. Compare is the same order without the
// encoding, for who merges what several shards sorted; a property holds the two
// against each other.
//
// Orders are of keys that are UTF-8, as all keys of records are. Of other strings
// two may have one encoding.
type Order uint8

const (
	// Hierarchical orders keys by their depth, which is the number of their slashes,
	// and keys of one depth by their bytes, with the slash after all others. The
	// children of "/a" are therefore together, from "/a/" to "/a//": two slashes at
	// the end of a key count as one, so that the key "/a//" is where they end.
	Hierarchical Order = 0

	// Natural orders keys by their bytes.
	Natural Order = 1
)

const (
	// depthBytes is the length of the depth that begins a hierarchical encoding.
	depthBytes = 2
	// maxDepth is the depth of all keys that have so many slashes or more.
	maxDepth = 1<<15 - 1
	// encodedSlash is how a slash is encoded: a byte that is in no UTF-8, and after
	// all that are.
	encodedSlash = 0xff
)

// String returns the order's name, as it is in the configuration of a cluster.
func (o Order) String() string {
	switch o {
	case Hierarchical:
		return "hierarchical"
	case Natural:
		return "natural"
	}
	return fmt.Sprintf("order-%d", uint8(o))
}

// AppendEncoded appends the key's encoding to dst and returns the extended
// slice. Different keys have different encodings.
func (o Order) AppendEncoded(dst []byte, key string) []byte {
	if o == Natural {
		return append(dst, key...)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(depth(key)))
	start := len(dst)
	dst = append(dst, key...)
	for i := start; i < len(dst); i++ {
		if dst[i] == '/' {
			dst[i] = encodedSlash
		}
	}
	return dst
}

// Decode returns the key of an encoding made by AppendEncoded. Of bytes that are no
// encoding it returns a key with another one.
func (o Order) Decode(encoded []byte) string {
	if o == Natural {
		return string(encoded)
	}
	if len(encoded) < depthBytes {
		return ""
	}
	return string(bytes.ReplaceAll(encoded[depthBytes:], []byte{encodedSlash}, []byte{'/'}))
}

// Compare returns a negative number if a comes before b, a positive one if it
// comes after, and 0 if they are the same key.
func (o Order) Compare(a, b string) int {
	if o == Natural {
		return strings.Compare(a, b)
	}
	if c := cmp.Compare(depth(a), depth(b)); c != 0 {
		return c
	}
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		switch {
		case a[i] == '/':
			return 1
		case b[i] == '/':
			return -1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}

// depth returns the depth of a key in the hierarchical order.
func depth(key string) int {
	n := strings.Count(key, "/")
	if strings.HasSuffix(key, "//") {
		n--
	}
	return min(n, maxDepth)
}
