package client

import (
	"maps"
	"slices"
	"sync"
)

// routes is one state of what is known of the shards. It does not change; superseded
// is closed when there is a newer one.
type routes struct {
	shards     shardMap
	leaders    map[int64]string
	news       map[int64]uint64
	superseded chan struct{}
}

func newRoutes(m shardMap, news map[int64]uint64) *routes {
	r := &routes{shards: m, leaders: make(map[int64]string, len(m)), news: news, superseded: make(chan struct{})}
	for _, s := range m {
		r.leaders[s.id] = s.leader
	}
	return r
}

// leader returns the address of a shard's leader, empty if none is known, and whether
// there is such a shard.
func (r *routes) leader(id int64) (string, bool) {
	address, known := r.leaders[id]
	return address, known
}

// heard returns a number that changes with every news of who leads the shard, but not
// with what clients find out by being refused.
func (r *routes) heard(id int64) uint64 { return r.news[id] }

// router keeps the routes. It listens to several witnesses, servers that each stream
// the shard map, because one of them may have stopped without a sign, or be cut off
// from the coordinator and go on telling what was. Maps carry no number that would
// order them; so what counts is news: where a witness says something else than it
// said before, it has learned it just now. Its first word counts only where no other
// witness has spoken, or knows nobody; where it contradicts, whoever it names is asked.
// What clients find out by being refused counts as well, until there is news.
type router struct {
	mu        sync.Mutex
	now       *routes
	witnesses map[int]shardMap // the last word of each that is connected
}

func newRouter() *router {
	return &router{now: newRoutes(nil, nil), witnesses: map[int]shardMap{}}
}

// load returns the present routes. They have no shards before a witness has spoken.
func (r *router) load() *routes {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// hear takes in what a witness says. It returns the shards of which its first word
// names another leader than the present one, with that leader.
func (r *router) hear(witness int, said shardMap) (disputed shardMap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, spoken := r.witnesses[witness]
	r.witnesses[witness] = said
	next := said
	if len(r.now.shards) > 0 && (spoken || len(r.witnesses) > 1) && (!spoken || sameShape(before, said)) {
		next = r.newsOf(spoken, before, said)
	}
	news := make(map[int64]uint64, len(next))
	changed := !sameShape(next, r.now.shards)
	for _, s := range next {
		news[s.id] = r.now.news[s.id]
		if s.leader != r.now.leaders[s.id] {
			news[s.id]++
			changed = true
		}
	}
	if changed {
		r.replace(next, news)
	}
	for _, s := range said {
		if now := r.now.leaders[s.id]; !spoken && s.leader != "" && now != "" && s.leader != now {
			disputed = append(disputed, s)
		}
	}
	return disputed
}

// confirm takes in that a server was found to lead a shard.
func (r *router) confirm(id int64, leader string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.now.shards.index(id)
	if i < 0 || r.now.shards[i].leader == leader {
		return
	}
	next, news := slices.Clone(r.now.shards), maps.Clone(r.now.news)
	next[i].leader = leader
	news[id]++
	r.replace(next, news)
}

// newsOf returns the present map with the leaders that a witness has news of.
func (r *router) newsOf(spoken bool, before, said shardMap) shardMap {
	next := slices.Clone(r.now.shards)
	for i := range next {
		leader := said.leader(next[i].id)
		news := spoken && leader != before.leader(next[i].id)
		if leader != "" && (news || next[i].leader == "") {
			next[i].leader = leader
		}
	}
	return next
}

// forget drops the word of a witness that is not connected any more.
func (r *router) forget(witness int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.witnesses, witness)
}

// correct takes in that a server refused to lead a shard or was not there, and who
// leads instead if it said so; otherwise another witness's word is taken, if it has
// one. It reports whether there is somebody else to ask.
func (r *router) correct(id int64, asked, hint string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.now.shards.index(id)
	if i < 0 || r.now.shards[i].leader != asked {
		return i >= 0 // somebody corrected it already
	}
	if hint == "" || hint == asked {
		hint = r.otherWord(id, asked)
	}
	if hint == "" {
		return false
	}
	next := slices.Clone(r.now.shards)
	next[i].leader = hint
	r.replace(next, r.now.news)
	return true
}

// otherWord returns whom another witness takes for the leader of a shard.
func (r *router) otherWord(id int64, asked string) string {
	for witness := range witnessCount {
		if leader := r.witnesses[witness].leader(id); leader != "" && leader != asked {
			return leader
		}
	}
	return ""
}

func (r *router) replace(m shardMap, news map[int64]uint64) {
	old := r.now
	r.now = newRoutes(m, news)
	close(old.superseded)
}

// servers returns the addresses of all servers that are known to lead, each once, in
// the order of the shards.
func (r *router) servers() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var addresses []string
	seen := map[string]bool{"": true}
	add := func(m shardMap) {
		for _, s := range m {
			if !seen[s.leader] {
				seen[s.leader] = true
				addresses = append(addresses, s.leader)
			}
		}
	}
	add(r.now.shards)
	for witness := range witnessCount {
		add(r.witnesses[witness])
	}
	return addresses
}
