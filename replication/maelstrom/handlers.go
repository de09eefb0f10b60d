package maelstrom

import (
	"encoding/json"
	"fmt"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/replication"
)

// The types of messages that a node takes.
const (
	typeInit     = "init"
	typePeer     = "peer"
	typeEcho     = "echo"
	typeGenerate = "generate"
	typeRead     = "read"
	typeWrite    = "write"
	typeCAS      = "cas"
	typeTxn      = "txn"
)

// unsupported are the requests of Maelstrom's other workloads. They are refused
// by name, because a type without a handler ends Maelstrom's package.
var unsupported = []string{
	"add", "broadcast", "commit_offsets", "list_committed_offsets", "poll", "send", "topology",
}

// handle registers what is done with each type of message. Handlers run in
// goroutines of their own: they only answer what needs no state, or post.
func (a *adapter) handle() {
	a.wire.Handle(typeInit, a.init)
	a.wire.Handle(typePeer, a.peer)
	a.wire.Handle(typeEcho, a.echo)
	a.wire.Handle(typeGenerate, a.generate)
	for kind, parse := range map[string]parseWork{
		typeRead: parseRead, typeWrite: parseWrite, typeCAS: parseCAS, typeTxn: parseTxn,
	} {
		a.wire.Handle(kind, func(m jepsen.Message) error { return a.operation(parse, m) })
	}
	for _, kind := range unsupported {
		a.wire.Handle(kind, func(m jepsen.Message) error {
			return a.refuse(m, jepsen.NotSupported, fmt.Sprintf("%s is not supported", kind))
		})
	}
}

// init starts the loop, and returns when it runs: the answer says that the node
// can be used.
func (a *adapter) init(jepsen.Message) error {
	if !a.initialized.CompareAndSwap(false, true) {
		return jepsen.NewRPCError(jepsen.MalformedRequest, "the node was initialized before")
	}
	a.inits <- struct{}{}
	select {
	case <-a.ready:
		return nil
	case <-a.stop:
		return jepsen.NewRPCError(jepsen.TemporarilyUnavailable, "the node is stopping")
	}
}

// peer takes a line of another node. Before init it waits in the mailbox.
func (a *adapter) peer(m jepsen.Message) error {
	body, err := parsePeer(m.Body)
	if err != nil {
		a.config.Logger.Warn("dropped a malformed line", "from", m.Src, "error", err, "lost", a.lost.Add(1))
		return nil
	}
	a.post(func(l *loop) { l.peerLine(replication.ServerID(m.Src), body) })
	return nil
}

// operation takes what a client wants of the shard.
func (a *adapter) operation(parse parseWork, m jepsen.Message) error {
	deadline := a.clock.now().Mono.Add(a.config.RequestTimeout)
	wanted, err := parse(m.Body)
	if err != nil {
		return a.refuse(m, jepsen.MalformedRequest, err.Error())
	}
	waits, err := clientOf(m)
	if err != nil {
		return a.refuse(m, jepsen.MalformedRequest, err.Error())
	}
	if !a.post(func(l *loop) {
		l.clients.start(&operation{client: waits, deadline: deadline, work: wanted})
	}) {
		return a.refuse(m, jepsen.TemporarilyUnavailable, "the node has too much to do")
	}
	return nil
}

// echo answers with the message's own body.
func (a *adapter) echo(m jepsen.Message) error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return a.refuse(m, jepsen.MalformedRequest, err.Error())
	}
	body["type"] = json.RawMessage(`"echo_ok"`)
	if id, given := body["msg_id"]; given {
		body["in_reply_to"] = id
		delete(body, "msg_id")
	}
	return a.wire.Send(m.Src, body)
}

// generate answers with an id that nobody else gives out: incarnations are drawn
// from 64 bits for each disk, the disk counts the node's runs, and the run its ids.
func (a *adapter) generate(m jepsen.Message) error {
	waits, err := clientOf(m)
	if err != nil {
		return a.refuse(m, jepsen.MalformedRequest, err.Error())
	}
	return a.wire.Send(m.Src, struct {
		Type      string `json:"type"`
		InReplyTo int    `json:"in_reply_to"`
		ID        string `json:"id"`
	}{"generate_ok", waits.msgID, fmt.Sprintf("%x-%x-%d", a.disk.Log().Incarnation(), a.run, a.lastID.Add(1))})
}

// refuse answers with an error.
func (a *adapter) refuse(m jepsen.Message, code int, text string) error {
	waits, err := clientOf(m)
	if err != nil {
		return err
	}
	return a.wire.Send(m.Src, errorBody{Type: "error", InReplyTo: waits.msgID, Code: code, Text: text})
}
