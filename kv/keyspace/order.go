package keyspace

import "strings"

// Order is a total order of keys, fixed when a namespace is created. An order is
// defined by an encoding: keys compare as the bytes of their encodings do, which
// is how the storage engine compares them. There is no second definition to
// disagree with it.
type Order uint8

// Natural orders keys by their bytes.
const Natural Order = 0

// AppendEncoded appends the key's encoding to dst and returns the extended
// slice. Different keys have different encodings.
func (o Order) AppendEncoded(dst []byte, key string) []byte { return append(dst, key...) }

// Decode returns the key of an encoding made by AppendEncoded.
func (o Order) Decode(encoded []byte) string { return string(encoded) }

// Compare returns a negative number if a comes before b, a positive one if it
// comes after, and 0 if they are the same key.
func (o Order) Compare(a, b string) int { return strings.Compare(a, b) }
