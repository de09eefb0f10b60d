package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/wellformed"
)

// MaxEnvelopes bounds the envelopes of a frame. More are an error.
const MaxEnvelopes = 1 << 14

// numEnvelopes is the number of the envelopes in a frame.
const numEnvelopes fieldNumber = 1

// Link is what both ends know of each other, so that no frame says it.
type Link struct {
	From    replication.ServerID
	FromRun replication.RunID
	To      replication.ServerID
}

// Frame is what was read.
type Frame struct {
	Envelopes []replication.Envelope
	// Passed counts envelopes that were passed over because this release does not
	// know their message, Refused those whose message is not well-formed; Fault is
	// what is wrong with the last of these.
	Passed, Refused int
	Fault           error
}

// ErrMalformed is what is wrong with bytes that are no frame.
var ErrMalformed = errors.New("wire: malformed frame")

// Size returns how many bytes an envelope takes in a frame. An error says that it
// cannot be sent: the other end would refuse it.
func Size(e *replication.Envelope) (int, error) {
	if err := wellformed.Message(e.Message); err != nil {
		return 0, fmt.Errorf("wire: shard %d: %w", e.Shard, err)
	}
	c := newCoder()
	defer c.free()
	l := c.lay(e)
	if l.num == 0 {
		return 0, fmt.Errorf("wire: message of unknown type %T", e.Message)
	}
	return protowire.SizeTag(numEnvelopes) + protowire.SizeBytes(l.body), nil
}

// layout is what has to be known of an envelope before its first byte is written:
// its message's number and size, and its own size.
type layout struct {
	num           fieldNumber
	message, body int
}

func (c *coder) lay(e *replication.Envelope) layout {
	c.mode, c.size = sizing, 0
	l := layout{num: visit(c, e.Message)}
	l.message = c.size
	addressFields(c, e)
	l.body = c.size + protowire.SizeTag(l.num) + protowire.SizeVarint(uint64(l.message))
	return l
}

func addressFields(c *coder, e *replication.Envelope) {
	varint(c, 1, &e.Shard)
	varint(c, 2, &e.FromReplica)
	varint(c, 3, &e.ToReplica)
}

// Append writes an envelope, for which Size returned no error, behind those that a
// frame has already. The envelopes of a frame are written one after the other.
func Append(frame []byte, e *replication.Envelope) []byte {
	c := newCoder()
	defer c.free()
	l := c.lay(e)
	frame = protowire.AppendTag(frame, numEnvelopes, protowire.BytesType)
	c.mode, c.out = writing, protowire.AppendVarint(frame, uint64(l.body))
	addressFields(c, e)
	c.out = protowire.AppendTag(c.out, l.num, protowire.BytesType)
	c.out = protowire.AppendVarint(c.out, uint64(l.message))
	visit(c, e.Message)
	return c.out
}

// Read reads a frame that came by a link. It keeps nothing of the bytes. Errors are
// ErrMalformed.
func Read(frame []byte, link Link) (Frame, error) {
	c, inner := newCoder(), newCoder()
	defer c.free()
	defer inner.free()
	c.mode, c.in = reading, frame
	var f Frame
	for count := 0; c.next(); count++ {
		if c.num != numEnvelopes {
			continue
		}
		if c.typ != protowire.BytesType {
			c.fail(errType)
			break
		}
		if count == MaxEnvelopes {
			c.fail(errMany)
			break
		}
		if f.Envelopes == nil {
			f.Envelopes = make([]replication.Envelope, 0, min(1+c.more(numEnvelopes), MaxEnvelopes))
		}
		e, err := inner.envelope(c.body)
		if err != nil {
			return Frame{}, fmt.Errorf("%w: envelope %d: %w", ErrMalformed, count, err)
		}
		f.take(e, link)
	}
	if c.err != nil {
		return Frame{}, fmt.Errorf("%w: %w", ErrMalformed, c.err)
	}
	return f, nil
}

// take keeps an envelope, if it means something.
func (f *Frame) take(e replication.Envelope, link Link) {
	if e.Message == nil {
		f.Passed++
		return
	}
	if err := wellformed.Message(e.Message); err != nil {
		f.Refused++
		f.Fault = fmt.Errorf("wire: shard %d: %w", e.Shard, err)
		return
	}
	e.From, e.FromRun, e.To = link.From, link.FromRun, link.To
	f.Envelopes = append(f.Envelopes, e)
}

// envelope reads an envelope. Its message is nil if it is not known here.
func (c *coder) envelope(body []byte) (replication.Envelope, error) {
	*c = coder{mode: reading, in: body, room: len(body)}
	var e replication.Envelope
	for c.next() {
		addressFields(c, &e)
		if c.num < numBeat || c.num >= numEnd {
			continue
		}
		if c.typ != protowire.BytesType {
			c.fail(errType)
			break
		}
		outside := c.in
		c.in = c.body
		e.Message = readers[c.num](c)
		if c.err == nil {
			c.in = outside
		}
	}
	return e, c.err
}
