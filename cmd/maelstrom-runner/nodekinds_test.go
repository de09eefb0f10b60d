package main

import (
	"fmt"
	"os"
)

// The kinds of nodes. The correct ones are proxy, lease, echo, logging, unique-ids and
// txn. Those of transactions are in txnnode_test.go.
var nodeKinds = map[string]func(*testNode){
	"proxy": (*testNode).proxy,
	"lease": newLease,

	// stale answers every read after the first of a key as it answered the first.
	"stale": func(n *testNode) {
		n.proxy()
		seen := map[any]any{}
		n.handlers["read"] = func(m wire) {
			key := m.Body["key"]
			if value, ok := seen[key]; ok {
				n.reply(m, body{"type": "read_ok", "value": value})
				return
			}
			n.ask("lin-kv", body{"type": "read", "key": key}, func(answer body) {
				if answer["type"] == "read_ok" {
					seen[key] = answer["value"]
				}
				n.reply(m, answer)
			})
		}
	},

	// local keeps what it is told to itself: last write wins, at each node.
	"local": func(n *testNode) {
		values := map[any]any{}
		n.handlers["read"] = func(m wire) {
			if v, ok := values[m.Body["key"]]; ok {
				n.reply(m, body{"type": "read_ok", "value": v})
				return
			}
			n.reply(m, body{"type": "error", "code": 20})
		}
		n.handlers["write"] = func(m wire) {
			values[m.Body["key"]] = m.Body["value"]
			n.reply(m, body{"type": "write_ok"})
		}
		n.handlers["cas"] = func(m wire) {
			if values[m.Body["key"]] != m.Body["from"] {
				n.reply(m, body{"type": "error", "code": 22})
				return
			}
			values[m.Body["key"]] = m.Body["to"]
			n.reply(m, body{"type": "cas_ok"})
		}
	},

	// lossy acknowledges every write and makes one in five: enough are missed that
	// no run could hide them all behind equal values or other writes.
	"lossy": func(n *testNode) {
		n.proxy()
		writes := 0
		n.handlers["write"] = func(m wire) {
			if writes++; writes%5 != 1 {
				n.reply(m, body{"type": "write_ok"})
				return
			}
			n.pass(m, "lin-kv")
		}
	},

	"echo": func(n *testNode) {
		n.handlers["echo"] = func(m wire) { n.reply(m, body{"type": "echo_ok", "echo": m.Body["echo"]}) }
	},
	// logging answers, and says so to standard error.
	"logging": func(n *testNode) {
		n.handlers["echo"] = func(m wire) {
			fmt.Fprintln(os.Stderr, "an echo is answered")
			n.reply(m, body{"type": "echo_ok", "echo": m.Body["echo"]})
		}
	},
	"wrong-echo": func(n *testNode) {
		n.handlers["echo"] = func(m wire) { n.reply(m, body{"type": "echo_ok", "echo": "something else"}) }
	},

	"unique-ids": func(n *testNode) {
		next := 0
		n.handlers["generate"] = func(m wire) {
			next++
			n.reply(m, body{"type": "generate_ok", "id": fmt.Sprintf("%s-%d-%d", n.id, os.Getpid(), next)})
		}
	},
	"same-ids": func(n *testNode) {
		next := 0
		n.handlers["generate"] = func(m wire) {
			next++
			n.reply(m, body{"type": "generate_ok", "id": next})
		}
	},

	// forgetful-ids counts from the start again when it is started again.
	"forgetful-ids": func(n *testNode) {
		next := 0
		n.handlers["generate"] = func(m wire) {
			next++
			n.reply(m, body{"type": "generate_ok", "id": []any{n.id, next}})
		}
	},

	// confusable echoes nonsense once a message from another node has come twice.
	"confusable": func(n *testNode) {
		sent, confused := 0, false
		seen := map[any]bool{}
		n.handlers["ping"] = func(m wire) {
			confused = confused || seen[m.Body["number"]]
			seen[m.Body["number"]] = true
		}
		n.handlers["echo"] = func(m wire) {
			answer := m.Body["echo"]
			if confused {
				answer = "what?"
			}
			n.reply(m, body{"type": "echo_ok", "echo": answer})
			for _, peer := range n.peers {
				sent++
				n.send(peer, body{"type": "ping", "number": fmt.Sprint(n.id, sent)})
			}
		}
	},

	"refusing": func(n *testNode) {
		n.handlers["echo"] = func(m wire) { n.reply(m, body{"type": "error", "code": 11, "text": "not now"}) }
	},
	"chatty":  func(n *testNode) { n.handlers["echo"] = func(wire) { fmt.Println("handling an echo") } },
	"lost":    func(n *testNode) { n.handlers["echo"] = func(wire) { n.send("n99", body{"type": "echo_ok"}) } },
	"unheard": func(n *testNode) { n.handlers["echo"] = func(m wire) { n.reply(m, body{"type": "echo_ok"}) } },
	"crashing": func(n *testNode) {
		n.handlers["echo"] = func(wire) { fmt.Fprintln(os.Stderr, "out of luck"); os.Exit(7) }
	},
}

func runNode(kind string) error {
	if kind == "stillborn" {
		return fmt.Errorf("cannot start")
	}
	build, ok := nodeKinds[kind]
	if !ok {
		build, ok = txnKinds[kind]
	}
	if !ok {
		return fmt.Errorf("no kind of node called %q", kind)
	}
	n := newTestNode()
	build(n)
	return n.run()
}
