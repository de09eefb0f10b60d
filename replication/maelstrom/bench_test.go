package maelstrom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"
)

// bench is a Maelstrom in memory: nodes, the network between them, the lin-kv
// service, and a client. It lives in a synctest bubble, so that its seconds pass
// at once.
type bench struct {
	t     *testing.T
	names []string
	// dir has a directory for each node; another one after they were wiped.
	dir   string
	wiped int
	// trimEvery is what nodes that start are told.
	trimEvery int

	mu    sync.Mutex // guards everything below
	nodes map[string]*benchNode
	// cut are links between nodes that lose everything, by sender and receiver.
	cut     map[[2]string]bool
	service map[string]json.RawMessage
	// waiting are the client's requests without an answer.
	waiting map[int]chan jepsen.Message
	lastID  int
	relayed int
	longest int
	// installed counts the snapshots that each node logged to have installed.
	installed map[string]int
}

// benchNode is a running node. Out collects what it has written of a line.
type benchNode struct {
	bench *bench
	name  string
	in    *io.PipeWriter
	out   bytes.Buffer
	ended chan error
}

const benchLatency = 10 * time.Millisecond

// inBubble runs a test with a bench of n nodes, all of them up.
func inBubble(t *testing.T, n int, test func(b *bench)) {
	t.Helper()
	inTrimmingBubble(t, n, 0, test)
}

// inTrimmingBubble is inBubble with nodes that trim their logs.
func inTrimmingBubble(t *testing.T, n, trimEvery int, test func(b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{
			t: t, dir: dir, trimEvery: trimEvery, nodes: map[string]*benchNode{}, cut: map[[2]string]bool{},
			installed: map[string]int{},
			service:   map[string]json.RawMessage{}, waiting: map[int]chan jepsen.Message{},
		}
		for i := range n {
			b.names = append(b.names, fmt.Sprintf("n%d", i))
		}
		for _, name := range b.names {
			b.start(name)
		}
		test(b)
		for _, name := range b.names {
			b.stop(name)
		}
		// Lines that are still under way find nobody any more.
		b.pass(time.Second)
	})
}

// pass lets the bubble's time pass, which takes none of ours.
func (b *bench) pass(d time.Duration) { time.Sleep(d) }

// wipe gives nodes that start from now on empty disks.
func (b *bench) wipe() { b.wiped++ }

func (b *bench) start(name string) {
	in, feed := io.Pipe()
	node := &benchNode{bench: b, name: name, in: feed, ended: make(chan error, 1)}
	b.mu.Lock()
	b.nodes[name] = node
	b.mu.Unlock()
	config := Config{
		DataDir: filepath.Join(b.dir, fmt.Sprint(b.wiped), name), RequestTimeout: 900 * time.Millisecond, Options: DefaultOptions(),
		TrimEvery: b.trimEvery, Logger: slog.New(slog.NewTextHandler((*benchLog)(node), nil)), Stdin: in, Stdout: node,
	}
	go func() {
		err := Run(context.Background(), config)
		_ = in.Close()
		node.ended <- err
	}()
	if answer := b.ask(name, map[string]any{"type": "init", "node_id": name, "node_ids": b.names}); answer.Type() != "init_ok" {
		b.t.Errorf("init of %s: %s", name, answer.Body)
	}
}

// stop ends a node's input, and waits for the node.
func (b *bench) stop(name string) {
	b.mu.Lock()
	node := b.nodes[name]
	delete(b.nodes, name)
	b.mu.Unlock()
	_ = node.in.Close()
	if err := <-node.ended; err != nil {
		b.t.Errorf("%s ended with %v", name, err)
	}
}

// benchLog takes what a node logs.
type benchLog benchNode

func (n *benchLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("snapshot installed")) {
		n.bench.mu.Lock()
		n.bench.installed[n.name]++
		n.bench.mu.Unlock()
	}
	return len(line), nil
}

// snapshots tells how many a node has installed.
func (b *bench) snapshots(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.installed[name]
}

// Write takes what a node prints.
func (n *benchNode) Write(p []byte) (int, error) {
	n.out.Write(p)
	for {
		line, err := n.out.ReadBytes('\n')
		if err != nil {
			n.out.Write(line)
			return len(p), nil
		}
		n.bench.route(line)
	}
}

// route carries a line to where it is addressed.
func (b *bench) route(line []byte) {
	var m jepsen.Message
	if err := json.Unmarshal(line, &m); err != nil {
		b.t.Errorf("a node printed %q: %v", line, err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.longest = max(b.longest, len(line))
	switch {
	case m.Dest == jepsen.LinKV:
		b.serve(m)
	case m.Dest == "c0":
		var body jepsen.MessageBody
		_ = json.Unmarshal(m.Body, &body)
		if waits := b.waiting[body.InReplyTo]; waits != nil {
			delete(b.waiting, body.InReplyTo)
			waits <- m
		}
	case !b.cut[[2]string{m.Src, m.Dest}]:
		b.countRelayed(m)
		b.deliver(m)
	}
}

func (b *bench) countRelayed(m jepsen.Message) {
	body, err := parsePeer(m.Body)
	if err != nil {
		b.t.Errorf("%s to %s: %v", m.Src, m.Dest, err)
	}
	for _, w := range body.Mail {
		if w.Hops > 0 {
			b.relayed++
		}
	}
}

// deliver hands a message to a node a little later.
func (b *bench) deliver(m jepsen.Message) {
	line, _ := json.Marshal(m)
	node := b.nodes[m.Dest]
	if node == nil {
		return
	}
	time.AfterFunc(benchLatency, func() { _, _ = node.in.Write(append(line, '\n')) })
}

// serve answers as Maelstrom's service does.
func (b *bench) serve(m jepsen.Message) {
	var req struct {
		jepsen.MessageBody
		Key      string
		From, To json.RawMessage
		Create   bool `json:"create_if_not_exists"`
	}
	_ = json.Unmarshal(m.Body, &req)
	value, found := b.service[req.Key]
	answer := map[string]any{"in_reply_to": req.MsgID}
	switch {
	case !found && !(req.Type == "cas" && req.Create):
		answer["type"], answer["code"] = "error", jepsen.KeyDoesNotExist
	case req.Type == "read":
		answer["type"], answer["value"] = "read_ok", value
	case found && !bytes.Equal(value, req.From):
		answer["type"], answer["code"] = "error", jepsen.PreconditionFailed
	default:
		b.service[req.Key] = req.To
		answer["type"] = "cas_ok"
	}
	body, _ := json.Marshal(answer)
	b.deliver(jepsen.Message{Src: jepsen.LinKV, Dest: m.Src, Body: body})
}

// ask sends a client's request to a node, and waits for the answer.
func (b *bench) ask(node string, body map[string]any) jepsen.Message {
	b.mu.Lock()
	b.lastID++
	body["msg_id"] = b.lastID
	waits := make(chan jepsen.Message, 1)
	b.waiting[b.lastID] = waits
	raw, _ := json.Marshal(body)
	b.deliver(jepsen.Message{Src: "c0", Dest: node, Body: raw})
	b.mu.Unlock()
	select {
	case m := <-waits:
		return m
	case <-time.After(time.Second):
		b.t.Errorf("%s did not answer %s within a second", node, raw)
		return jepsen.Message{Body: json.RawMessage(`{"type":"none"}`)}
	}
}

// linKV asks, and returns the type of the answer, with the value, the transaction
// or the code.
func (b *bench) linKV(node, kind string, fields ...any) string {
	body := map[string]any{"type": kind}
	for i := 0; i < len(fields); i += 2 {
		body[fields[i].(string)] = fields[i+1]
	}
	var answer struct {
		Type  string
		Code  *int
		Value json.RawMessage
		Txn   json.RawMessage
	}
	_ = json.Unmarshal(b.ask(node, body).Body, &answer)
	switch {
	case answer.Code != nil:
		return fmt.Sprintf("%s %d", answer.Type, *answer.Code)
	case answer.Value != nil:
		return fmt.Sprintf("%s %s", answer.Type, answer.Value)
	case answer.Txn != nil:
		return fmt.Sprintf("%s %s", answer.Type, answer.Txn)
	}
	return answer.Type
}

// until asks a node to write until it can.
func (b *bench) until(node string, within time.Duration) {
	b.t.Helper()
	for start := time.Now(); time.Since(start) < within; {
		if b.linKV(node, "write", "key", "until", "value", 1) == "write_ok" {
			return
		}
	}
	b.t.Fatalf("%s did not write within %v", node, within)
}

func (b *bench) cutLinks(links ...[2]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range links {
		b.cut[l] = true
	}
}

func (b *bench) heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = map[[2]string]bool{}
}

func (b *bench) relays() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.relayed
}
