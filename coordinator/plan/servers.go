package plan

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

// servers brings the servers up to date.
func (p *planning) servers() {
	wanted := map[replication.ServerID]bool{}
	for _, s := range p.desired.GetServers() {
		server := Server{Name: replication.ServerID(config.ServerName(s)), Public: s.GetPublic(), Internal: s.GetInternal()}
		wanted[server.Name] = true
		known := p.status.server(server.Name)
		if known != nil {
			server.Draining = known.Draining
		}
		if known == nil || *known != server {
			p.do(PutServer{Server: server})
		}
	}
	for _, s := range slices.Clone(p.status.Servers) {
		if !wanted[s.Name] && !s.Removed {
			s.Removed = true
			p.do(PutServer{Server: s})
		}
	}
}

// forget drops the servers that left the configuration, and hold nothing any more. The
// others are kept for as long as somebody must be able to reach what they hold.
func (p *planning) forget() {
	removed := slices.DeleteFunc(slices.Clone(p.status.Servers), func(s Server) bool { return !s.Removed })
	if len(removed) == 0 {
		return
	}
	holding, left := p.holders()
	for _, s := range removed {
		away := left[s.Name] && p.away(s.Name, p.options.LongAway)
		if holding[s.Name] || left[s.Name] && !away {
			p.note("server "+string(s.Name), "left the configuration, and holds replicas still")
			continue
		}
		p.do(ForgetServer{Name: s.Name, GivenUp: away})
	}
}

// away reports whether a server was out of reach for some time.
func (p *planning) away(server replication.ServerID, d time.Duration) bool {
	facts := p.observed.Servers[server]
	return !facts.Reachable && p.over(p.since(facts), d)
}

// since is from when on a server has been as it is.
func (p *planning) since(facts ServerFacts) time.Time {
	if facts.Since.IsZero() {
		return p.observed.Began
	}
	return facts.Since
}

// holders are the servers on which replicas are, or are wanted, and those on which
// there may still be some that left their shards.
func (p *planning) holders() (holding, left map[replication.ServerID]bool) {
	holding, left = map[replication.ServerID]bool{}, map[replication.ServerID]bool{}
	for _, facts := range p.observed.Shards {
		if doc := facts.Document; doc != nil {
			for _, members := range [][]replication.DocumentMember{doc.Ensemble, doc.Joining, doc.Learners} {
				for _, m := range members {
					holding[m.Server] = true
				}
			}
			for _, m := range doc.Removed {
				left[m.Server] = true
			}
		}
	}
	for _, n := range p.status.Namespaces {
		for _, shard := range n.Shards {
			for _, server := range shard.Ensemble {
				holding[server] = true
			}
		}
	}
	return holding, left
}
