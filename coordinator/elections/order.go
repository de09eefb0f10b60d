package elections

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/ostraka-db/ostraka/replication"
)

// Join adds a server that was not among the peers of Start. It counts as silent
// until it is heard, which it will be once it heard of this coordinator.
func (d *Driver) Join(server replication.ServerID) {
	d.do(func(n *replication.Node) { n.PeerGone(server) })
}

// Leave drops a server that left the cluster, and on which no replica is.
func (d *Driver) Leave(server replication.ServerID) {
	d.do(func(n *replication.Node) { n.RemovePeer(server) })
}

// Coordinate holds a shard's elections from now on. Servers are those to which it is
// given if it has no document, Settings those of its next terms.
func (d *Driver) Coordinate(shard replication.ShardID, servers []replication.ServerID, settings []byte) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	seed := binary.NativeEndian.Uint64(random[:])
	d.do(func(n *replication.Node) {
		if d.held[shard] {
			return
		}
		d.held[shard] = true
		n.Coordinate(shard, servers, seed)
		n.ChangeSettings(shard, settings)
	})
}

// Withdraw holds a shard's elections no more. What they were at stays as it is.
func (d *Driver) Withdraw(shard replication.ShardID) {
	d.of(shard, func(n *replication.Node) {
		delete(d.held, shard)
		n.Withdraw(shard)
	})
}

// ChangeSettings changes the settings of a shard's next terms.
func (d *Driver) ChangeSettings(shard replication.ShardID, settings []byte) {
	d.of(shard, func(n *replication.Node) { n.ChangeSettings(shard, settings) })
}

// ChangeEnsemble says on which servers a shard's replicas are to be. It stands until it is
// so, another is said, or it turns out to be out of reach; then it may be said again.
func (d *Driver) ChangeEnsemble(shard replication.ShardID, servers []replication.ServerID) {
	d.of(shard, func(n *replication.Node) { n.ChangeEnsemble(shard, servers) })
}

// Transfer lets a shard have another leader, at once: the server named, if it can, or
// whoever is best. It has no effect while the shard is not at rest.
func (d *Driver) Transfer(shard replication.ShardID, to replication.ServerID) {
	d.of(shard, func(n *replication.Node) { n.Transfer(shard, to) })
}

// End lets a shard be no more: all its replicas are deleted, as their servers are heard.
func (d *Driver) End(shard replication.ShardID) {
	d.of(shard, func(n *replication.Node) { n.EndShard(shard) })
}

// Recover lets the voters on some servers be a shard's whole ensemble, without asking the
// others. It has no effect while the shard's document is being written.
func (d *Driver) Recover(shard replication.ShardID, servers []replication.ServerID) {
	d.of(shard, func(n *replication.Node) { n.Recover(shard, servers) })
}

// of does something to a shard, if its elections are held here.
func (d *Driver) of(shard replication.ShardID, task func(*replication.Node)) {
	d.do(func(n *replication.Node) {
		if d.held[shard] {
			task(n)
		}
	})
}
