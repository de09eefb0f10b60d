package replication

import "slices"

// What a node is told by whoever plans for the cluster, and holds elections here.

// Coordinate makes the node a coordinator candidate for a shard. See NewElection.
func (n *Node) Coordinate(id ShardID, servers []ServerID, seed uint64) {
	s := n.shard(id)
	assert(s.election == nil, "shard %d is coordinated already", id)
	s.election = NewElection(id, n.self, n.options, servers, seed)
	s.election.tally = n.tally
	n.introduce(s)
	n.alarms.set(s.alarm, s.deadline())
}

// Coordinators names the peers that hold elections without being data servers, in
// place of those named before: leaders that want to be replaced ask them too.
func (n *Node) Coordinators(ids []ServerID) { n.coordinators = slices.Clone(ids) }

// ChangeEnsemble gives the election of a shard that is coordinated here the
// planner's wish. See the event of that name.
func (n *Node) ChangeEnsemble(id ShardID, servers []ServerID) {
	n.mailElection(n.shard(id), ChangeEnsemble{Servers: slices.Clone(servers)})
}

// ChangeSettings gives the election of a shard that is coordinated here the
// settings of its state machine. See the event of that name.
func (n *Node) ChangeSettings(id ShardID, settings []byte) {
	n.mailElection(n.shard(id), ChangeSettings{Settings: slices.Clone(settings)})
}

// Transfer moves the leadership of a shard that is coordinated here. See the event of
// that name.
func (n *Node) Transfer(id ShardID, to ServerID) { n.mailElection(n.shard(id), Transfer{To: to}) }

// EndShard ends a shard that is coordinated here. See the event of that name.
func (n *Node) EndShard(id ShardID) { n.mailElection(n.shard(id), EndShard{}) }

// Recover gives up the lost voters of a shard that is coordinated here. See the event
// of that name.
func (n *Node) Recover(id ShardID, servers []ServerID) {
	n.mailElection(n.shard(id), Recover{Servers: slices.Clone(servers)})
}

// Withdraw ends Coordinate: what the election was at stays as it is, for whoever goes
// on with it.
func (n *Node) Withdraw(id ShardID) {
	s := n.shard(id)
	assert(s.election != nil, "shard %d is not coordinated", id)
	s.election.recount("")
	s.election, s.elections = nil, nil
	n.alarms.set(s.alarm, s.deadline())
}
