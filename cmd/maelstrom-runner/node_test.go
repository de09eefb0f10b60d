package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// asNode is the first argument that turns the test binary into a node; the second is
// the kind of node.
const asNode = "as-node"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == asNode {
		if err := runNode(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "test node:", err)
			os.Exit(3)
		}
		return
	}
	flag.Parse()
	// Runs wait for most of their time, so more of them than processors can go at once.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

type body map[string]any

type wire struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body body   `json:"body"`
}

// testNode is a small Maelstrom node. Requests are handled one after the other; what
// a handler waits for arrives as a callback.
type testNode struct {
	id    string
	peers []string
	in    *bufio.Scanner
	out   sync.Mutex // held while a line is printed

	mu       sync.Mutex // guards everything below
	lastMsg  int
	waiting  map[int]func(body)
	handlers map[string]func(wire)
}

const maxNodeLine = 1 << 20

func newTestNode() *testNode {
	n := &testNode{
		in:       bufio.NewScanner(os.Stdin),
		waiting:  make(map[int]func(body)),
		handlers: make(map[string]func(wire)),
	}
	n.in.Buffer(nil, maxNodeLine)
	return n
}

func (n *testNode) send(dest string, b body) {
	line, err := json.Marshal(wire{n.id, dest, b})
	if err != nil {
		panic(err)
	}
	n.out.Lock()
	defer n.out.Unlock()
	fmt.Printf("%s\n", line)
}

func (n *testNode) reply(to wire, b body) {
	b["in_reply_to"] = to.Body["msg_id"]
	n.send(to.Src, b)
}

// ask sends a request and calls then with the answer, if one comes.
func (n *testNode) ask(dest string, b body, then func(body)) {
	n.mu.Lock()
	n.lastMsg++
	b["msg_id"] = n.lastMsg
	n.waiting[n.lastMsg] = then
	n.mu.Unlock()
	n.send(dest, b)
}

func (n *testNode) run() error {
	for n.in.Scan() {
		var m wire
		if err := json.Unmarshal(n.in.Bytes(), &m); err != nil {
			return err
		}
		kind, _ := m.Body["type"].(string)
		if kind == "init" {
			n.init(m)
			continue
		}
		if to, ok := m.Body["in_reply_to"].(float64); ok {
			n.mu.Lock()
			then := n.waiting[int(to)]
			delete(n.waiting, int(to))
			n.mu.Unlock()
			if then != nil {
				then(m.Body)
			}
			continue
		}
		handler := n.handlers[kind]
		if handler == nil {
			return fmt.Errorf("no handler for %q", kind)
		}
		handler(m)
	}
	return n.in.Err()
}

func (n *testNode) init(m wire) {
	n.mu.Lock()
	n.id = m.Body["node_id"].(string)
	n.mu.Unlock()
	for _, p := range m.Body["node_ids"].([]any) {
		n.peers = append(n.peers, p.(string))
	}
	n.reply(m, body{"type": "init_ok"})
}

// pass sends a request on and its answer back.
func (n *testNode) pass(m wire, dest string) {
	b := body{}
	for name, v := range m.Body {
		b[name] = v
	}
	n.ask(dest, b, func(answer body) {
		delete(answer, "msg_id")
		n.reply(m, answer)
	})
}

// proxy passes everything to the linearizable service, and so is correct.
func (n *testNode) proxy() {
	for _, f := range []string{"read", "write", "cas"} {
		n.handlers[f] = func(m wire) { n.pass(m, "lin-kv") }
	}
}
