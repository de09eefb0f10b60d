package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Message is one line on the network. ID is given out by the network; nodes may
// send one, and it is ignored.
type Message struct {
	ID   int64
	Src  string
	Dest string
	Body json.RawMessage
}

// Header holds the reserved fields of a body. Servers may put anything in the bodies
// they send one another, so a field that is missing or of another type is simply unset.
type Header struct {
	Type      string
	MsgID     *int64
	InReplyTo *int64
}

// IsClient tells whether an id belongs to a client of the bench. Maelstrom decides
// by the first letter, and so must we: it is what nodes may rely on.
func IsClient(id string) bool { return id != "" && id[0] == 'c' }

// Parse reads one line printed by a node.
func Parse(line []byte) (Message, error) {
	var wire struct {
		ID   *int64          `json:"id"`
		Src  *string         `json:"src"`
		Dest *string         `json:"dest"`
		Body json.RawMessage `json:"body"`
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&wire); err != nil {
		return Message{}, fmt.Errorf("not a message: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Message{}, errors.New("not a message: more than one JSON value on the line")
	}
	switch {
	case wire.Src == nil:
		return Message{}, errors.New("not a message: src is missing")
	case wire.Dest == nil:
		return Message{}, errors.New("not a message: dest is missing")
	case len(wire.Body) == 0 || wire.Body[0] != '{':
		return Message{}, errors.New("not a message: body is missing or not an object")
	}
	return Message{Src: *wire.Src, Dest: *wire.Dest, Body: wire.Body}, nil
}

// AppendLine appends the message and a newline in the form nodes receive.
func (m Message) AppendLine(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, m.ID, 10)
	dst = append(dst, `,"src":`...)
	dst = appendString(dst, m.Src)
	dst = append(dst, `,"dest":`...)
	dst = appendString(dst, m.Dest)
	dst = append(dst, `,"body":`...)
	dst = append(dst, m.Body...)
	return append(dst, '}', '\n')
}

func appendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("message: a string that JSON cannot hold: %v", err))
	}
	return append(dst, quoted...)
}

// Header reads the reserved fields of the body.
func (m Message) Header() Header {
	var fields struct {
		Type      json.RawMessage `json:"type"`
		MsgID     json.RawMessage `json:"msg_id"`
		InReplyTo json.RawMessage `json:"in_reply_to"`
	}
	if err := json.Unmarshal(m.Body, &fields); err != nil {
		return Header{}
	}
	var h Header
	if json.Unmarshal(fields.Type, &h.Type) != nil {
		h.Type = ""
	}
	h.MsgID, h.InReplyTo = optionalInt(fields.MsgID), optionalInt(fields.InReplyTo)
	return h
}

func optionalInt(raw json.RawMessage) *int64 {
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil
	}
	return &v
}

// Canonical gives equal JSON values equal spellings: no space, object keys in order,
// numbers as they were written (so 1 and 1.0 differ, as they do for Maelstrom).
func Canonical(raw json.RawMessage) (string, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("read a JSON value: %w", err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write a JSON value: %w", err)
	}
	return string(out), nil
}
