package service

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

// Handler answers one request. It is called by one goroutine at a time.
type Handler interface {
	Handle(src string, req Request) Reply
}

// Request is the body of a request to any service. Keys and values are kept in
// canonical JSON, so that equal values are equal strings.
type Request struct {
	Type              string
	Key               string
	Value             string
	From, To          string
	CreateIfNotExists bool
}

// Reply is the body of an answer, without in_reply_to.
type Reply map[string]any

func failure(code message.Code, text string) Reply {
	return Reply{"type": "error", "code": int(code), "text": text}
}

// Defaults returns the services every Maelstrom run offers.
func Defaults(seed uint64) map[string]Handler {
	return map[string]Handler{
		"lin-kv":  newLinearizable(),
		"seq-kv":  newSequential(rand.New(rand.NewPCG(seed, 1))),
		"lww-kv":  newLastWriteWins(rand.New(rand.NewPCG(seed, 2))),
		"lin-tso": &timestamps{},
	}
}

// Serve joins the services to the network and answers until the context ends.
// The returned function waits until all of them have stopped.
func Serve(ctx context.Context, net *network.Network, services map[string]Handler) (wait func()) {
	var running sync.WaitGroup
	for id, handler := range services {
		inbox := net.Join(id)
		running.Go(func() { serve(ctx, net, inbox, id, handler) })
	}
	return running.Wait
}

func serve(ctx context.Context, net *network.Network, inbox *network.Inbox, id string, handler Handler) {
	for {
		m, err := inbox.Recv(ctx)
		if err != nil {
			return
		}
		reply := answer(handler, m)
		if msgID := m.Header().MsgID; msgID != nil {
			reply["in_reply_to"] = *msgID
		}
		body, err := json.Marshal(reply)
		if err != nil {
			panic(fmt.Sprintf("service %s: an answer that JSON cannot hold: %v", id, err))
		}
		// The sender of a request has joined the network, so it can be answered.
		if err := net.Send(message.Message{Src: id, Dest: m.Src, Body: body}); err != nil {
			panic(fmt.Sprintf("service %s: %v", id, err))
		}
	}
}

func answer(handler Handler, m message.Message) Reply {
	req, err := parse(m.Body)
	if err != nil {
		return failure(message.MalformedRequest, err.Error())
	}
	return handler.Handle(m.Src, req)
}

func parse(body json.RawMessage) (Request, error) {
	var wire struct {
		Type              string          `json:"type"`
		Key               json.RawMessage `json:"key"`
		Value             json.RawMessage `json:"value"`
		From              json.RawMessage `json:"from"`
		To                json.RawMessage `json:"to"`
		CreateIfNotExists bool            `json:"create_if_not_exists"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return Request{}, fmt.Errorf("read a request: %w", err)
	}
	req := Request{Type: wire.Type, CreateIfNotExists: wire.CreateIfNotExists}
	for _, field := range []struct {
		raw json.RawMessage
		to  *string
	}{{wire.Key, &req.Key}, {wire.Value, &req.Value}, {wire.From, &req.From}, {wire.To, &req.To}} {
		if field.raw == nil {
			*field.to = "null" // an absent field is null, as it is for Maelstrom
			continue
		}
		canonical, err := message.Canonical(field.raw)
		if err != nil {
			return Request{}, err
		}
		*field.to = canonical
	}
	return req, nil
}

// timestamps is lin-tso.
type timestamps struct{ next int64 }

func (t *timestamps) Handle(_ string, req Request) Reply {
	if req.Type != "ts" {
		return failure(message.NotSupported, "lin-tso answers ts only, not "+req.Type)
	}
	ts := t.next
	t.next++
	return Reply{"type": "ts_ok", "ts": ts}
}
