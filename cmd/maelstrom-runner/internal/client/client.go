package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

// ErrTimeout means that no answer came in time: the operation may have happened.
var ErrTimeout = errors.New("net-timeout")

// RPCError is an error that a node answered.
type RPCError struct {
	Code message.Code
	Text string
}

func (e *RPCError) Error() string {
	if e.Text == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Text
}

// MalformedReply is an answer that the protocol does not allow.
type MalformedReply struct {
	Node   string
	Reason string
	Body   json.RawMessage
}

func (e *MalformedReply) Error() string {
	return fmt.Sprintf("%s answered against the protocol (%s): %s", e.Node, e.Reason, e.Body)
}

// Body is the body of a request, without msg_id.
type Body map[string]any

// Want says which answer a request expects: its type and the fields it must have
// besides the reserved ones. Maelstrom refuses answers with any other field, too, except
// in the answer to init.
type Want struct {
	Type      string
	Fields    []string
	AnyFields bool
}

// Reply is an answer's own fields.
type Reply map[string]json.RawMessage

// Client is one participant that sends requests.
type Client struct {
	net     *network.Network
	inbox   *network.Inbox
	id      string
	lastMsg int64
}

// Open joins a client to the network. Its id starts with the letter c.
func Open(net *network.Network, id string) *Client {
	if !message.IsClient(id) {
		panic("client: the id of a client starts with c, not " + id)
	}
	return &Client{net: net, inbox: net.Join(id), id: id}
}

// Close takes the client off the network.
func (c *Client) Close() { c.net.Leave(c.id) }

// ID is the client's name on the network.
func (c *Client) ID() string { return c.id }

// Call asks node and waits for the answer, at most for timeout.
func (c *Client) Call(ctx context.Context, node string, body Body, want Want, timeout time.Duration) (Reply, error) {
	c.lastMsg++
	msgID := c.lastMsg
	body["msg_id"] = msgID
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	deadline, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := c.net.Send(message.Message{Src: c.id, Dest: node, Body: raw}); err != nil {
		return nil, fmt.Errorf("send a request: %w", err)
	}
	for {
		m, err := c.inbox.Recv(deadline)
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, ErrTimeout
		}
		if to := m.Header().InReplyTo; to == nil || *to != msgID {
			continue
		}
		return read(m, want)
	}
}

func read(m message.Message, want Want) (Reply, error) {
	malformed := func(format string, args ...any) error {
		return &MalformedReply{Node: m.Src, Reason: fmt.Sprintf(format, args...), Body: m.Body}
	}
	var fields Reply
	if err := json.Unmarshal(m.Body, &fields); err != nil {
		return nil, malformed("not an object")
	}
	kind := m.Header().Type
	if kind == "error" {
		return nil, rpcError(fields)
	}
	if kind != want.Type {
		return nil, malformed("the type is %q, not %q", kind, want.Type)
	}
	for name := range fields {
		switch name {
		case "type", "in_reply_to", "msg_id":
			delete(fields, name)
		default:
			if !want.AnyFields && !slices.Contains(want.Fields, name) {
				return nil, malformed("%s has no field %q", want.Type, name)
			}
		}
	}
	for _, name := range want.Fields {
		if _, ok := fields[name]; !ok {
			return nil, malformed("%s lacks the field %q", want.Type, name)
		}
	}
	return fields, nil
}

// unreadableCode stands for a code that is missing or not an integer. It is not in
// the table, so it is indefinite.
const unreadableCode message.Code = -1

func rpcError(fields Reply) *RPCError {
	e := &RPCError{Code: unreadableCode}
	var code int
	if json.Unmarshal(fields["code"], &code) == nil {
		e.Code = message.Code(code)
	}
	if json.Unmarshal(fields["text"], &e.Text) != nil {
		e.Text = ""
	}
	return e
}
