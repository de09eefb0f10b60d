package plan

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// picture is the cluster as it is planned on: servers and namespaces by number, and what
// each server has once all that is wanted has come about.
type picture struct {
	servers    []serverState
	number     map[replication.ServerID]int
	namespaces []namespaceState
	// shards are those of the first namespace, then those of the second, and so on.
	shards []shardState
	// changes are the shards that change at present and get on, transfers those whose
	// leaderships move.
	changes, transfers int
	// repairs are the changes among them that are not for the sake of the balance, and those
	// that wait for room: the balance is not known before they are done.
	repairs int
	// settling says that a server was reached only lately: others may follow.
	settling bool
}

// serverState is a server.
type serverState struct {
	Server
	reachable, leaving bool
	// noReplicas and noLeaders say why it is given none; empty if it may be.
	noReplicas, noLeaders string
	// replicas are those wanted on it, leaders those that it leads; the others are the
	// same by namespace.
	replicas, leaders     int
	replicasOf, leadersOf []int
	// load is the sum of its replicas'.
	load Load
	// changes are the shards that change, get on, and give it a replica or take one from it;
	// held says that more would.
	changes int
	held    bool
}

// namespaceState is a namespace.
type namespaceState struct {
	name   string
	factor int
	// first and end are where its shards begin and end.
	first, end int
	// strict and relaxed are the rules that keep its replicas apart.
	strict, relaxed []rule
	// replicas are all that are wanted, leaders the shards that are led.
	replicas, leaders int
}

// shardState is a shard.
type shardState struct {
	id        replication.ShardID
	namespace int
	// wanted are the servers that are to hold it, have those that do. They are not
	// changed in place.
	wanted, have []int
	// begun says that it has a document.
	begun bool
	// joining says that two ensembles decide, changing that there is a change under way.
	joining, changing bool
	// leader is a server's number; -1 while there is none. Where a transfer is under way, it
	// is who is to lead.
	leader int
	// moving says that a transfer is under way.
	moving bool
	// unfit are members that are not to lead.
	unfit []int
	facts ShardFacts
	// change is the last one, if changed is set.
	change  Change
	changed bool
}

// none stands for no server.
const none = -1

// look makes the picture of what is known, and of what was decided so far.
func (p *planning) look() {
	c := &picture{number: make(map[replication.ServerID]int, len(p.status.Servers))}
	p.picture = c
	for _, s := range p.status.Servers {
		p.see(s)
	}
	changes := make(map[replication.ShardID]*Change, len(p.status.Changes))
	for i := range p.status.Changes {
		changes[p.status.Changes[i].Shard] = &p.status.Changes[i]
	}
	shards := 0
	for i := range p.status.Namespaces {
		shards += len(p.status.Namespaces[i].Shards)
	}
	c.shards = make([]shardState, 0, shards)
	for i := range p.status.Namespaces {
		n := &p.status.Namespaces[i]
		state := namespaceState{name: n.Name, factor: int(n.ReplicationFactor), first: len(c.shards)}
		for j := range n.Shards {
			p.seeShard(i, &n.Shards[j], changes[n.Shards[j].ID])
		}
		state.end = len(c.shards)
		c.namespaces = append(c.namespaces, state)
	}
	for i := range c.namespaces {
		c.namespaces[i].strict, c.namespaces[i].relaxed = p.rulesOf(c.namespaces[i].name)
	}
	for i := range c.servers {
		c.servers[i].replicasOf = make([]int, len(c.namespaces))
		c.servers[i].leadersOf = make([]int, len(c.namespaces))
	}
	for i := range c.shards {
		x := &c.shards[i]
		for _, s := range x.wanted {
			c.count(x, s, 1)
		}
		leader := x.leader
		x.leader = none
		c.lead(x, leader)
	}
}

// see adds a server to the picture.
func (p *planning) see(s Server) int {
	facts := p.observed.Servers[s.Name]
	state := serverState{Server: s, reachable: facts.Reachable, leaving: s.Removed || s.Draining}
	since := p.since(facts)
	switch {
	case s.Removed:
		state.noReplicas = "it left the configuration"
	case s.Draining:
		state.noReplicas = "it is drained"
	case !facts.Reachable:
		state.noReplicas = "it is out of reach"
	case facts.Stopping:
		state.noReplicas = "it is about to stop"
	case !p.over(since, p.options.SteadyFor):
		state.noReplicas = "it was reached only lately"
		p.picture.settling = true
	}
	state.noLeaders = state.noReplicas
	if state.noLeaders == "" && !p.over(since, p.options.LeadersAfter) {
		state.noLeaders = "it was reached only lately"
	}
	p.picture.servers = append(p.picture.servers, state)
	p.picture.number[s.Name] = len(p.picture.servers) - 1
	return len(p.picture.servers) - 1
}

// serverNumber is the number of a server. One that a document names and the status does
// not is one that left.
func (p *planning) serverNumber(name replication.ServerID) int {
	if i, known := p.picture.number[name]; known {
		return i
	}
	return p.see(Server{Name: name, Removed: true})
}

func (p *planning) seeShard(namespace int, s *Shard, change *Change) {
	x := shardState{id: s.ID, namespace: namespace, leader: none, facts: p.observed.Shards[s.ID]}
	x.wanted = make([]int, len(s.Ensemble))
	for i, name := range s.Ensemble {
		x.wanted[i] = p.serverNumber(name)
	}
	x.have = x.wanted
	if doc := x.facts.Document; doc != nil && len(doc.Ensemble) > 0 {
		x.begun, x.joining = true, len(doc.Joining) > 0
		x.have = make([]int, len(doc.Ensemble))
		for i, m := range doc.Ensemble {
			x.have[i] = p.serverNumber(m.Server)
		}
		x.changing = x.joining || !sameServers(x.wanted, x.have)
	}
	if x.facts.Leader != "" {
		x.leader = p.serverNumber(x.facts.Leader)
	}
	if t, asked := p.observed.Transfers[s.ID]; asked && x.facts.Leader != t.To && !p.over(t.At, p.options.TransferWithin) {
		x.moving, x.leader = true, p.serverNumber(t.To)
		p.picture.transfers++
	}
	for _, name := range x.facts.Unfit {
		x.unfit = append(x.unfit, p.serverNumber(name))
	}
	if change != nil {
		x.change, x.changed = *change, true
	}
	p.picture.shards = append(p.picture.shards, x)
}

// count adds replicas of a shard to a server, or takes them.
func (c *picture) count(x *shardState, server, replicas int) {
	s := &c.servers[server]
	s.replicas += replicas
	s.replicasOf[x.namespace] += replicas
	c.namespaces[x.namespace].replicas += replicas
	s.load.Bytes += int64(replicas) * x.facts.Load.Bytes
	s.load.Writes += float64(replicas) * x.facts.Load.Writes
}

// lead makes a server the one that leads a shard, or is to.
func (c *picture) lead(x *shardState, server int) {
	c.countLeader(x, -1)
	x.leader = server
	c.countLeader(x, 1)
}

func (c *picture) countLeader(x *shardState, one int) {
	if x.leader == none {
		return
	}
	s := &c.servers[x.leader]
	s.leaders += one
	s.leadersOf[x.namespace] += one
	s.load.Reads += float64(one) * x.facts.Load.Reads
	c.namespaces[x.namespace].leaders += one
}

func sameServers(a, b []int) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s int) bool { return !slices.Contains(b, s) })
}

// without are the servers of a list that another lacks.
func without(servers, others []int) []int {
	var left []int
	for _, s := range servers {
		if !slices.Contains(others, s) {
			left = append(left, s)
		}
	}
	return left
}
