package maelstrom

import (
	"encoding/json"
	"fmt"
	"log/slog"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/replication"
)

// clients are the operations of this node's clients. Each is one request to the
// shard, and ends with one answer.
type clients struct {
	// request gives a request to the node; send sends a client its answer.
	request func(replication.Request)
	send    func(to string, body any) error
	logger  *slog.Logger

	last replication.RequestID
	open map[replication.RequestID]*operation
	// asked is set when a request was given to the node since takeAsked.
	asked bool
}

// operation is what a client wants, until it is answered.
type operation struct {
	client   client
	deadline replication.Instant
	work     work
}

// work is one request to the shard: a transaction or a write to be proposed, or a
// linearizable read.
type work struct {
	kind replication.RequestKind
	body []byte
	// answer makes the client's answer of the state machine's result.
	answer func(result []byte) (answer, *failure)
}

// parseWork reads a client's request, or says why it is malformed.
type parseWork func(body []byte) (work, error)

// answer is the body of an answer that is no error.
type answer struct {
	Type      string `json:"type"`
	InReplyTo int    `json:"in_reply_to"`
	// Value is what a read read, Txn a transaction with what its reads read.
	Value json.RawMessage   `json:"value,omitempty"`
	Txn   []json.RawMessage `json:"txn,omitempty"`
}

// client is who waits for an answer, and for which of its messages.
type client struct {
	id    string
	msgID int
}

// clientOf reads from a message who waits for its answer.
func clientOf(m jepsen.Message) (client, error) {
	var body jepsen.MessageBody
	err := json.Unmarshal(m.Body, &body)
	return client{id: m.Src, msgID: body.MsgID}, err
}

// failure is an error as Maelstrom has it. Whether it is definite follows from
// its code.
type failure struct {
	code int
	text string
}

// errorBody is the answer that tells of a failure. Maelstrom's own type leaves out
// a code of zero, which is that of a timeout.
type errorBody struct {
	Type      string `json:"type"`
	InReplyTo int    `json:"in_reply_to"`
	Code      int    `json:"code"`
	Text      string `json:"text"`
}

// start makes an operation's request.
func (c *clients) start(op *operation) {
	c.last++
	c.open[c.last] = op
	c.asked = true
	c.request(replication.Request{
		ID: c.last, Shard: shardID, Kind: op.work.kind, Body: op.work.body, Deadline: op.deadline,
	})
}

// ended takes the end of a request, and answers the client.
func (c *clients) ended(o replication.RequestOutcome) {
	op := c.open[o.ID]
	delete(c.open, o.ID)
	done, failed := op.work.ended(o.Outcome)
	if failed != nil {
		c.reply(op.client, errorBody{
			Type: "error", InReplyTo: op.client.msgID, Code: failed.code, Text: failed.text,
		})
		return
	}
	done.InReplyTo = op.client.msgID
	c.reply(op.client, done)
}

// ended is what a client is told of the end of its request.
func (w *work) ended(o replication.Outcome) (answer, *failure) {
	switch {
	case o.Kind == replication.OutcomeDone:
		return w.answer(o.Result)
	case o.Kind == replication.OutcomeUnknown && w.kind == replication.RequestWrite:
		return fail(jepsen.Timeout, "the outcome is not known")
	default:
		// Refused, or only a read was asked: nothing of this operation happened.
		return fail(jepsen.TemporarilyUnavailable, fmt.Sprintf("no leader took it in time: %v", o.Refusal))
	}
}

func fail(code int, text string) (answer, *failure) {
	return answer{}, &failure{code: code, text: text}
}

func (c *clients) reply(to client, body any) {
	if err := c.send(to.id, body); err != nil {
		c.logger.Warn("cannot answer a client", "client", to.id, "error", err)
	}
}

// takeAsked reports whether a request was given to the node since the last call.
func (c *clients) takeAsked() bool {
	asked := c.asked
	c.asked = false
	return asked
}
