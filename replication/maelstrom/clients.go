package maelstrom

import (
	"encoding/json"
	"log/slog"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/replication"
)

// clients are the operations of this node's clients. Each consists of one
// request to the shard after another, and ends with one answer.
type clients struct {
	// request gives a request to the node; answer sends a client its answer.
	request func(replication.Request)
	answer  func(to string, body any) error
	logger  *slog.Logger

	last replication.RequestID
	open map[replication.RequestID]*operation
	// asked is set when a request was given to the node since takeAsked.
	asked bool
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

// start begins an operation.
func (c *clients) start(op *operation) { c.proceed(op, op.begin()) }

// ended takes the end of a request, and goes on with its operation.
func (c *clients) ended(o replication.RequestOutcome) {
	op := c.open[o.ID]
	delete(c.open, o.ID)
	c.proceed(op, op.ended(o.Outcome))
}

// proceed does what an operation wants next.
func (c *clients) proceed(op *operation, next step) {
	switch {
	case next.failure != nil:
		c.reply(op.client, errorBody{
			Type: "error", InReplyTo: op.client.msgID, Code: next.failure.code, Text: next.failure.text,
		})
	case next.answer != nil:
		c.reply(op.client, next.answer)
	default:
		c.last++
		c.open[c.last] = op
		c.asked = true
		c.request(replication.Request{
			ID: c.last, Shard: shardID, Kind: next.kind, Body: next.body, Deadline: op.deadline,
		})
	}
}

func (c *clients) reply(to client, body any) {
	if err := c.answer(to.id, body); err != nil {
		c.logger.Warn("cannot answer a client", "client", to.id, "error", err)
	}
}

// takeAsked reports whether a request was given to the node since the last call.
func (c *clients) takeAsked() bool {
	asked := c.asked
	c.asked = false
	return asked
}
