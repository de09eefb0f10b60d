package replication

import (
	"cmp"
	"slices"
	"time"
)

// Liveness is kept for each pair of servers, not for each shard: a quiet shard
// costs nothing, and a peer's silence is noticed once for all of them.

// peer is another server as this one hears it.
type peer struct {
	id          ServerID
	run         RunID
	incarnation Incarnation
	// heard is when it was last heard (or waited for first), sent when something
	// was last sent to it.
	heard, sent Instant
	silent      bool
	// over says that run is known to be over, though no other was heard yet.
	over bool
}

func (n *Node) addPeer(id ServerID) *peer {
	i, _ := n.findPeer(id)
	p := &peer{id: id}
	n.peers = slices.Insert(n.peers, i, p)
	return p
}

func (n *Node) findPeer(id ServerID) (int, bool) {
	return slices.BinarySearchFunc(n.peers, id, func(p *peer, id ServerID) int { return cmp.Compare(p.id, id) })
}

// peer returns the peer of that name, which is known from then on.
func (n *Node) peer(id ServerID) *peer {
	i, found := n.findPeer(id)
	if !found {
		p := n.addPeer(id)
		p.heard = n.now.Mono
		return p
	}
	return n.peers[i]
}

// hear takes note of who sent an envelope, and reports whether to read it. What
// an earlier run still has under way in the network is not listened to: among it
// may be copies of requests whose repetition could no longer be told.
func (n *Node) hear(e Envelope) bool {
	p := n.peer(e.From)
	if e.FromRun < p.run {
		return false
	}
	p.heard = n.now.Mono
	news := p.silent || p.run != e.FromRun
	if p.run != e.FromRun {
		n.runOver(p)
	}
	if p.run != e.FromRun {
		p.incarnation = 0
	}
	p.silent, p.over, p.run = false, false, e.FromRun
	if beat, ok := e.Message.(Beat); ok && p.incarnation != beat.Incarnation {
		p.incarnation, news = beat.Incarnation, true
	}
	if news {
		n.tell(PeerHeard{Server: p.id, Run: p.run, Incarnation: p.incarnation})
		n.offerAll()
	}
	return true
}

// watchPeers notices silence.
func (n *Node) watchPeers() {
	for _, p := range n.peers {
		if p.heard == Never {
			p.heard = n.now.Mono
		}
		if !p.silent && n.now.Mono >= p.heard.Add(n.options.SilentAfter) {
			p.silent = true
			n.tell(PeerSilent{Server: p.id})
		}
	}
}

// PeerGone says that a peer's connection was refused or reset, so that its
// silence need not be waited for. That proves nothing of its process; a word from
// it ends the silence, unless it was delivered before this was said.
func (n *Node) PeerGone(id ServerID) {
	n.readArrived()
	if p := n.peer(id); !p.silent {
		p.silent = true
		n.tell(PeerSilent{Server: id})
	}
}

// PeerOver says that a peer's process is known to have ended: its host refuses
// connections to the port that it listened on. A shard that it led is given to another
// as soon as a quorum answers, without asking whether followers still hear it. Should
// it speak after all, it is as if it had only been silent.
func (n *Node) PeerOver(id ServerID) {
	n.PeerGone(id)
	n.runOver(n.peer(id))
}

// RemovePeer forgets a peer that left the cluster, and on which no replica is. Should it
// be heard all the same, it is a peer again.
func (n *Node) RemovePeer(id ServerID) {
	n.readArrived()
	if i, found := n.findPeer(id); found {
		n.peers = slices.Delete(n.peers, i, i+1)
	}
	for _, s := range n.shards {
		if s.election != nil {
			n.mailElection(s, PeerRemoved{Server: id})
		}
	}
}

// runOver ends what depends on a peer's run, once.
func (n *Node) runOver(p *peer) {
	if p.run == 0 || p.over {
		return
	}
	p.over = true
	n.tell(PeerDied{Server: p.id, Run: p.run})
	n.peerRunOver(p.id, p.run)
}

// beat lets each peer hear this server that heard nothing else of it lately.
func (n *Node) beat() {
	for _, p := range n.peers {
		if p.sent == Never || n.now.Mono >= p.sent.Add(n.options.BeatEvery) {
			n.send(Envelope{
				From: n.self.ID, FromRun: n.self.Run, To: p.id,
				Message: Beat{Incarnation: n.self.Incarnation},
			})
		}
	}
}

func (n *Node) peersDeadline() Instant {
	next := Never
	for _, p := range n.peers {
		next = earliest(next, p.sent.Add(n.options.BeatEvery))
		if !p.silent {
			next = earliest(next, p.heard.Add(n.options.SilentAfter))
		}
	}
	return next
}

// heardAgo is how long ago a run of a server was heard, negative if that run is
// not the one heard last, or is silent. This server hears itself.
func (n *Node) heardAgo(id ServerID, run RunID) time.Duration {
	if id == n.self.ID && run == n.self.Run {
		return 0
	}
	i, found := n.findPeer(id)
	if !found || n.peers[i].run != run || n.peers[i].silent {
		return -1
	}
	return n.now.Mono.Sub(n.peers[i].heard)
}

// reachable reports whether a run of a server is heard at present.
func (n *Node) reachable(id ServerID, run RunID) bool {
	i, found := n.findPeer(id)
	return found && n.peers[i].run == run && !n.peers[i].silent
}

func (n *Node) tell(ev Event) {
	for _, s := range n.shards {
		n.tellShard(s, ev)
	}
}
