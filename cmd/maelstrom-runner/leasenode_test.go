package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	beatEvery = 20 * time.Millisecond
	leaseTime = 150 * time.Millisecond
)

// lease is a correct node with a leader: the one whose beats appear under a key of the
// linearizable service. Only the leader touches the data, so killing it interrupts
// writes until another node notices that the beats have stopped.
type lease struct {
	n *testNode

	mu      sync.Mutex // guards everything below
	seen    string     // the latest beat
	seenAt  time.Time
	leader  string
	beats   int
	leading bool
	busy    bool // a beat is on its way
}

func newLease(n *testNode) {
	l := &lease{n: n}
	for _, f := range []string{"read", "write", "cas"} {
		n.handlers[f] = l.request
	}
	n.handlers["forward"] = l.request
	go l.beat() // ends with the node
}

// request passes a client's request to the service if this node leads, else to the
// leader, and drops it if there is none. The sender of a forward gets its answer.
func (l *lease) request(m wire) {
	l.mu.Lock()
	leading, leader := l.leading, l.leader
	l.mu.Unlock()
	inner, forwarded := m.Body["request"].(map[string]any)
	switch {
	case leading && forwarded:
		l.n.ask("lin-kv", inner, func(answer body) {
			l.n.reply(m, body{"type": "forward_ok", "answer": answer})
		})
	case leading:
		l.n.pass(m, "lin-kv")
	case !forwarded && leader != "":
		request := body{}
		for name, v := range m.Body {
			request[name] = v
		}
		l.n.ask(leader, body{"type": "forward", "request": request}, func(answer body) {
			b := body(answer["answer"].(map[string]any))
			delete(b, "msg_id")
			l.n.reply(m, b)
		})
	}
}

func (l *lease) beat() {
	for range time.Tick(beatEvery) {
		l.n.mu.Lock()
		ready := l.n.id != ""
		l.n.mu.Unlock()
		l.mu.Lock()
		ready = ready && !l.busy
		l.busy = l.busy || ready
		l.mu.Unlock()
		if ready {
			l.n.ask("lin-kv", body{"type": "read", "key": "lease"}, l.look)
		}
	}
}

// look acts on the beat that the service holds.
func (l *lease) look(answer body) {
	now, _ := answer["value"].(string)
	l.mu.Lock()
	defer l.mu.Unlock()
	if now != l.seen || l.seenAt.IsZero() {
		l.seen, l.seenAt = now, time.Now()
		fmt.Sscanf(now, "%s", &l.leader)
	}
	mine := l.leader == l.n.id && l.leading
	if !mine && time.Since(l.seenAt) < leaseTime {
		l.leading, l.busy = false, false
		return
	}
	l.beats++
	next := fmt.Sprintf("%s %d %d", l.n.id, os.Getpid(), l.beats)
	l.n.ask("lin-kv", body{"type": "cas", "key": "lease", "from": now, "to": next, "create_if_not_exists": true}, func(answer body) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.busy = false
		won := answer["type"] == "cas_ok"
		if won && !l.leading {
			fmt.Fprintln(os.Stderr, "now leading")
		}
		if l.leading = won; won {
			l.leader, l.seen, l.seenAt = l.n.id, next, time.Now()
		}
	})
}
