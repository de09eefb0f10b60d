package network

import (
	"math/rand/v2"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
)

// maxLag bounds how much later than the message itself a duplicate of it arrives: late
// enough to come after a new leader, or a restarted node.
const maxLag = 500 * time.Millisecond

// ills are what a nemesis inflicts on a network beside cuts. Loss and duplication strike
// messages between nodes alone. That network is what a node may not trust; but a client
// here is taken to be on its node's side of it (it has no latency either), and the
// services are the bench's, not the system's under test.
type ills struct {
	lossShare, duplicateShare float64
	slow                      map[string]time.Duration // nodes to what their messages take in addition
}

func (i ills) loses(rng *rand.Rand) bool {
	return i.lossShare > 0 && rng.Float64() < i.lossShare
}

func (i ills) duplicates(rng *rand.Rand) bool {
	return i.duplicateShare > 0 && rng.Float64() < i.duplicateShare
}

// extra is what a message takes longer because of who sends or receives it.
func (i ills) extra(m message.Message) time.Duration {
	return i.slow[m.Src] + i.slow[m.Dest]
}

// Lose makes the network lose a share of the messages between nodes; none if it is 0.
func (n *Network) Lose(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ills.lossShare = share
}

// Duplicate makes the network deliver a share of the messages between nodes twice; none
// if it is 0.
func (n *Network) Duplicate(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ills.duplicateShare = share
}

// Slow makes all messages from and to a node take longer, but those of clients. Messages
// of others overtake them.
func (n *Network) Slow(node string, extra time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if extra == 0 {
		delete(n.ills.slow, node)
		return
	}
	n.ills.slow[node] = extra
}
