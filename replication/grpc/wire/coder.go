package wire

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message's fields are listed once, by a function that visits them in the order of
// their numbers. What a visit does depends on the coder's mode: it adds up sizes,
// writes, or takes the one field that is being read. So no field can be written that
// is not read.

type mode uint8

const (
	sizing mode = iota
	writing
	reading
)

// coder is what visits fields.
type coder struct {
	mode mode
	// size is the sum so far, when sizing.
	size int
	// out is what was written so far, when writing.
	out []byte
	// in is what is left of the message being read, and the rest describes its
	// current field: raw is a number's value, body is that of anything else.
	in   []byte
	num  protowire.Number
	typ  protowire.Type
	raw  uint64
	body []byte
	// arena holds the payloads of the envelope being read, which has so many bytes.
	arena []byte
	room  int
	err   error
}

// coders are reused: visiting by function values makes the compiler allocate each.
var coders = sync.Pool{New: func() any { return new(coder) }}

func newCoder() *coder { return coders.Get().(*coder) }

func (c *coder) free() {
	*c = coder{}
	coders.Put(c)
}

var (
	errType  = errors.New("a field of another type")
	errRange = errors.New("a number out of range")
	errMany  = errors.New("too many elements")
)

// fail keeps the first error, and ends the reading.
func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("field %d: %w", c.num, err)
	}
	c.in = nil
}

// next goes on to the next field, and reports whether there is one.
func (c *coder) next() bool {
	if len(c.in) == 0 || c.err != nil {
		return false
	}
	num, typ, n := protowire.ConsumeTag(c.in)
	if n < 0 {
		c.fail(protowire.ParseError(n))
		return false
	}
	c.num, c.typ, c.in = num, typ, c.in[n:]
	switch typ {
	case protowire.VarintType:
		c.raw, n = protowire.ConsumeVarint(c.in)
	case protowire.Fixed64Type:
		c.raw, n = protowire.ConsumeFixed64(c.in)
	case protowire.BytesType:
		c.body, n = protowire.ConsumeBytes(c.in)
	default:
		n = protowire.ConsumeFieldValue(num, typ, c.in)
	}
	if n < 0 {
		c.fail(protowire.ParseError(n))
		return false
	}
	c.in = c.in[n:]
	return true
}

// is reports whether the field being read is the one of that number. One of another
// type is an error: numbers are never given new types.
func (c *coder) is(num protowire.Number, typ protowire.Type) bool {
	if c.num != num {
		return false
	}
	if c.typ != typ {
		c.fail(errType)
		return false
	}
	return true
}

// integer is any type that is written as a varint.
type integer interface {
	~int | ~int64 | ~uint64 | ~uint8
}

// varint visits int64, uint64 and uint32.
func varint[T integer](c *coder, num protowire.Number, v *T) {
	switch {
	case c.mode == reading:
		if c.is(num, protowire.VarintType) {
			if *v = T(c.raw); uint64(*v) != c.raw {
				c.fail(errRange)
			}
		}
	case *v == 0:
	case c.mode == sizing:
		c.size += protowire.SizeTag(num) + protowire.SizeVarint(uint64(*v))
	default:
		c.out = protowire.AppendVarint(protowire.AppendTag(c.out, num, protowire.VarintType), uint64(*v))
	}
}

// zigzag visits sint64, for what is often negative.
func zigzag[T ~int64](c *coder, num protowire.Number, v *T) {
	raw := protowire.EncodeZigZag(int64(*v))
	varint(c, num, &raw)
	*v = T(protowire.DecodeZigZag(raw))
}

// fixed64 visits numbers drawn at random, and sums.
func fixed64[T ~uint64](c *coder, num protowire.Number, v *T) {
	switch {
	case c.mode == reading:
		if c.is(num, protowire.Fixed64Type) {
			*v = T(c.raw)
		}
	case *v == 0:
	case c.mode == sizing:
		c.size += protowire.SizeTag(num) + protowire.SizeFixed64()
	default:
		c.out = protowire.AppendFixed64(protowire.AppendTag(c.out, num, protowire.Fixed64Type), uint64(*v))
	}
}

// flag visits a bool.
func flag(c *coder, num protowire.Number, v *bool) {
	raw := protowire.EncodeBool(*v)
	varint(c, num, &raw)
	*v = protowire.DecodeBool(raw)
}

// text visits a string.
func text[T ~string](c *coder, num protowire.Number, v *T) {
	switch {
	case c.mode == reading:
		if c.is(num, protowire.BytesType) {
			*v = T(c.body)
		}
	case *v == "":
	case c.mode == sizing:
		c.size += protowire.SizeTag(num) + protowire.SizeBytes(len(*v))
	default:
		c.out = protowire.AppendString(protowire.AppendTag(c.out, num, protowire.BytesType), string(*v))
	}
}

// payload visits bytes, which are copied into the arena when they are read.
func payload(c *coder, num protowire.Number, v *[]byte) {
	switch {
	case c.mode == reading:
		if c.is(num, protowire.BytesType) {
			*v = c.keep(c.body)
		}
	case len(*v) == 0:
	case c.mode == sizing:
		c.size += protowire.SizeTag(num) + protowire.SizeBytes(len(*v))
	default:
		c.out = protowire.AppendBytes(protowire.AppendTag(c.out, num, protowire.BytesType), *v)
	}
}

// keep copies bytes into the arena. There is room: what is kept of an envelope is
// never more than its bytes.
func (c *coder) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if c.arena == nil {
		c.arena = make([]byte, 0, c.room)
	}
	at := len(c.arena)
	c.arena = append(c.arena, b...)
	return c.arena[at:len(c.arena):len(c.arena)]
}

// nested visits a message inside another.
func nested[T any](c *coder, num protowire.Number, v *T, fields func(*coder, *T)) {
	switch c.mode {
	case sizing:
		before := c.size
		fields(c, v)
		c.size += protowire.SizeTag(num) + protowire.SizeVarint(uint64(c.size-before))
	case writing:
		c.mode, c.size = sizing, 0
		fields(c, v)
		c.mode = writing
		c.out = protowire.AppendTag(c.out, num, protowire.BytesType)
		c.out = protowire.AppendVarint(c.out, uint64(c.size))
		fields(c, v)
	default:
		if c.is(num, protowire.BytesType) {
			outside := c.in
			for c.in = c.body; c.next(); {
				fields(c, v)
			}
			c.in, c.num = outside, num
			if c.err != nil {
				c.in = nil
			}
		}
	}
}

// repeated visits a list of messages, of which there may be so many at most.
func repeated[T any](c *coder, num protowire.Number, v *[]T, most int, fields func(*coder, *T)) {
	if c.mode != reading {
		for i := range *v {
			nested(c, num, &(*v)[i], fields)
		}
		return
	}
	if !c.is(num, protowire.BytesType) {
		return
	}
	if len(*v) == most {
		c.fail(errMany)
		return
	}
	if *v == nil {
		*v = make([]T, 0, min(1+c.more(num), most))
	}
	*v = append(*v, *new(T))
	nested(c, num, &(*v)[len(*v)-1], fields)
}

// more counts how many fields of the same number follow the current one at once.
func (c *coder) more(num protowire.Number) int {
	count := 0
	for rest := c.in; len(rest) > 0; count++ {
		next, typ, n := protowire.ConsumeTag(rest)
		if n < 0 || next != num || typ != protowire.BytesType {
			break
		}
		size := n
		if _, n = protowire.ConsumeBytes(rest[size:]); n < 0 {
			break
		}
		rest = rest[size+n:]
	}
	return count
}
