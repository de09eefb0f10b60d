package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

// Note says what is wanted and is not going to be, for now, and why.
type Note struct {
	// About is what is concerned, as in "namespace default".
	About  string
	Reason string
}

func (n Note) String() string { return n.About + ": " + n.Reason }

// Decision is what Plan came to.
type Decision struct {
	// Actions are to be carried out in order.
	Actions []Action
	// Notes are what cannot be done, for now.
	Notes []Note
	// Again is when there may be more to do though nothing else changed; zero if never.
	Again time.Time
}

// Plan returns what to do, and what cannot be done.
func Plan(desired *api.ClusterConfiguration, observed Observed) Decision {
	p := newPlanning(desired, observed)
	p.servers()
	p.namespaces()
	p.deleted()
	return p.decision
}

// planning is one call of Plan: the status as it is after the actions so far.
type planning struct {
	desired  *api.ClusterConfiguration
	observed Observed
	options  *Options
	status   Status
	decision Decision
}

func newPlanning(desired *api.ClusterConfiguration, observed Observed) *planning {
	p := &planning{desired: desired, observed: observed, options: observed.Options, status: observed.Status.clone()}
	if p.options == nil {
		p.options = DefaultOptions()
	}
	if p.observed.Began.IsZero() {
		p.observed.Began = observed.Now
	}
	return p
}

func (p *planning) do(a Action) {
	a.apply(&p.status)
	p.decision.Actions = append(p.decision.Actions, a)
}

func (p *planning) note(about, format string, args ...any) {
	p.decision.Notes = append(p.decision.Notes, Note{About: about, Reason: fmt.Sprintf(format, args...)})
}

// over reports whether some time has passed since a moment. Where it has not, there
// may be more to do when it has.
func (p *planning) over(since time.Time, d time.Duration) bool {
	at := since.Add(d)
	if !p.observed.Now.Before(at) {
		return true
	}
	if p.decision.Again.IsZero() || at.Before(p.decision.Again) {
		p.decision.Again = at
	}
	return false
}

// servers brings the servers up to date. One that left the configuration is kept for as
// long as others must be able to reach what it holds.
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
	holding, left := p.holders()
	for _, s := range slices.Clone(p.status.Servers) {
		away := left[s.Name] && p.away(s.Name, p.options.LongAway)
		switch {
		case wanted[s.Name]:
		case !holding[s.Name] && (!left[s.Name] || away):
			p.do(ForgetServer{Name: s.Name, GivenUp: away})
		default:
			if !s.Removed {
				s.Removed = true
				p.do(PutServer{Server: s})
			}
			p.note("server "+string(s.Name), "left the configuration, and holds replicas still")
		}
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

// namespaces creates, changes and deletes namespaces.
func (p *planning) namespaces() {
	for _, n := range slices.Clone(p.status.Namespaces) {
		if !slices.ContainsFunc(p.desired.GetNamespaces(), func(w *api.Namespace) bool { return w.GetName() == n.Name }) {
			p.do(DeleteNamespace{Name: n.Name})
		}
	}
	for _, wanted := range p.desired.GetNamespaces() {
		if have := p.status.namespace(wanted.GetName()); have != nil {
			p.changeNamespace(wanted, have)
		} else {
			p.createNamespace(wanted)
		}
	}
}

// deleted forgets the shards of which nothing is left. One that has no document had no
// replica either: nobody makes one before the document is stored.
func (p *planning) deleted() {
	for _, id := range slices.Clone(p.status.Deleting) {
		doc := p.observed.Shards[id].Document
		if doc == nil || doc.Status == replication.StatusDeleted && len(doc.Removed) == 0 {
			p.do(ForgetShard{Shard: id})
		}
	}
}

func (p *planning) changeNamespace(wanted *api.Namespace, have *Namespace) {
	if off := notificationsOff(wanted); off != have.NoNotifications {
		p.do(SetNotifications{Namespace: have.Name, Off: off})
	}
	if sorting := wanted.GetKeySorting(); sorting != "" && sorting != have.KeySorting() {
		p.note("namespace "+have.Name, "keySorting was fixed as %s when it was created, and cannot become %s", have.KeySorting(), sorting)
	}
	if factor := wanted.GetReplicationFactor(); factor != have.ReplicationFactor {
		p.do(SetReplicationFactor{Namespace: have.Name, Factor: factor})
	}
}

func (p *planning) createNamespace(wanted *api.Namespace) {
	n := Namespace{
		Name: wanted.GetName(), ReplicationFactor: wanted.GetReplicationFactor(),
		NaturalOrder: wanted.GetKeySorting() == config.SortingNatural, NoNotifications: notificationsOff(wanted),
	}
	place := newPlacement(p.desired, &p.status, wanted)
	for _, r := range tile(wanted.GetInitialShardCount()) {
		ensemble, missing := place.ensemble()
		if missing != "" {
			p.note("namespace "+n.Name, "cannot be created: %s", missing)
			return
		}
		id := p.status.NextShard + replication.ShardID(len(n.Shards))
		n.Shards = append(n.Shards, Shard{ID: id, Min: r.min, Max: r.max, Ensemble: ensemble})
	}
	p.do(CreateNamespace{Namespace: n})
}

func notificationsOff(n *api.Namespace) bool {
	return n.NotificationsEnabled != nil && !n.GetNotificationsEnabled()
}

// hashRange is a part of the hash space; both ends belong to it.
type hashRange struct{ min, max uint32 }

// tile cuts the hash space into n parts (from 1), of which the last ends where the
// space does.
func tile(n uint32) []hashRange {
	const last = uint64(1<<32 - 1)
	size := last/uint64(n) + 1
	ranges := make([]hashRange, n)
	for i := range ranges {
		low := uint64(i) * size
		ranges[i] = hashRange{min: uint32(low), max: uint32(min(low+size-1, last))}
	}
	return ranges
}
