package wal

import "github.com/ostraka-db/ostraka/replication"

// link says what a shard's records up to some place come to. Each record carries
// the link before it, and each batch those after the batch before: whoever finds
// a link knows whether something before it was lost, and how much of that is known
// all the same.
type link struct {
	// chain is the number of the shard's newest record; the first is 1.
	chain uint64
	// step is the number of the newest record that was no append.
	step uint64
	head replication.EntryID
	// start is the offset from which on the entries up to head have head's term, as
	// far as the log holds them; head's own if it holds none.
	start replication.Offset
	// replica is the highest id of a replica that any of the records names; zero if
	// none does, or if that was lost.
	replica replication.ReplicaID
}

func appendLink(b []byte, v link) []byte {
	b = appendField(appendField(b, v.chain), v.chain-v.step)
	return appendField(appendField(appendID(b, v.head), v.head.Offset-v.start), v.replica)
}

func (c *cursor) link() link {
	v := link{chain: c.uint()}
	v.step = v.chain - c.uint()
	v.head = c.id()
	v.start = v.head.Offset - c.offset()
	v.replica = replication.ReplicaID(c.uint())
	return v
}

// vouch holds what was found of a shard against a link that is found next. Where
// only appends were lost in between, the ids of their entries are known if they
// are all of one term; otherwise nobody knows what the shard's log was, but for the
// newest of its replicas, which the link tells.
func (s *shardLog) vouch(v link) {
	found := s.disk.link()
	if found == v && !s.disk.amnesia {
		s.doubt = false
		return
	}
	s.suspect = true
	if !s.disk.amnesia && v.chain > found.chain && v.step == found.step && v.replica == found.replica && s.disk.extend(v) {
		s.disk.chain, s.doubt = v.chain, false
		s.index.truncate(found.head.Offset)
		return
	}
	s.disk.amnesia, s.doubt = true, false
	s.disk.chain, s.disk.step, s.disk.replica = v.chain, v.step, v.replica
	if s.disk.history.Head() != v.head {
		s.disk.history = replication.NewHistory(v.head)
	}
}

// extend appends the ids of lost entries up to a link's head, if they are known.
func (g *ledger) extend(v link) bool {
	head := g.history.Head()
	if v.head.Offset <= head.Offset {
		return false
	}
	if v.head.Term != head.Term && v.start != head.Offset+1 {
		return false
	}
	for o := head.Offset + 1; o <= v.head.Offset; o++ {
		g.history.Append(replication.EntryID{Term: v.head.Term, Offset: o})
	}
	return true
}
