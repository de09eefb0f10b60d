package wal

import (
	"encoding/binary"

	"github.com/ostraka-db/ostraka/replication"
)

// Fields are unsigned varints, each as short as it can be, so that there is one
// way to write a thing. What is below zero takes ten bytes, and never comes.

func appendField[T ~int64 | ~uint64](b []byte, v T) []byte {
	return binary.AppendUvarint(b, uint64(v))
}

func appendID(b []byte, id replication.EntryID) []byte {
	return appendField(appendField(b, id.Term), id.Offset)
}

// cursor takes fields from the front of some bytes. From the first that is not
// there, or is longer than it had to be, it yields zeros, and remembers that.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) uint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 || (n > 1 && c.rest[n-1] == 0) {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func boolField(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

func (c *cursor) bool() bool {
	v := c.uint()
	c.bad = c.bad || v > 1
	return v == 1
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) offset() replication.Offset { return replication.Offset(c.uint()) }

func (c *cursor) id() replication.EntryID {
	return replication.EntryID{Term: replication.Term(c.uint()), Offset: c.offset()}
}

// ended reports whether exactly all bytes were taken.
func (c *cursor) ended() bool { return !c.bad && len(c.rest) == 0 }
