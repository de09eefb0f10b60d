package plan

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

// Observed is what a cluster is.
type Observed struct {
	Status Status
	// Holding are the servers that some shard's document names, or may name.
	Holding map[replication.ServerID]bool
}

// Note says what is wanted and is not going to be, for now, and why.
type Note struct {
	// About is what is concerned, as in "namespace default".
	About  string
	Reason string
}

func (n Note) String() string { return n.About + ": " + n.Reason }

// planning is one call of Plan: the status as it is after the actions so far.
type planning struct {
	desired *api.ClusterConfiguration
	status  Status
	actions []Action
	notes   []Note
}

// Plan returns what to do, and what cannot be done.
func Plan(desired *api.ClusterConfiguration, observed Observed) ([]Action, []Note) {
	p := &planning{desired: desired, status: observed.Status.clone()}
	p.servers(observed.Holding)
	p.deleteNamespaces()
	for _, wanted := range desired.GetNamespaces() {
		if have := p.status.namespace(wanted.GetName()); have != nil {
			p.changeNamespace(wanted, have)
		} else {
			p.createNamespace(wanted)
		}
	}
	return p.actions, p.notes
}

func (p *planning) do(a Action) {
	a.apply(&p.status)
	p.actions = append(p.actions, a)
}

func (p *planning) note(about, format string, args ...any) {
	p.notes = append(p.notes, Note{About: about, Reason: fmt.Sprintf(format, args...)})
}

// servers brings the servers up to date. One that left the configuration is kept for as
// long as others must be able to reach what it holds.
func (p *planning) servers(holding map[replication.ServerID]bool) {
	wanted := map[replication.ServerID]bool{}
	for _, s := range p.desired.GetServers() {
		server := Server{Name: replication.ServerID(config.ServerName(s)), Public: s.GetPublic(), Internal: s.GetInternal()}
		wanted[server.Name] = true
		if known := p.status.server(server.Name); known == nil || *known != server {
			p.do(PutServer{Server: server})
		}
	}
	for _, s := range slices.Clone(p.status.Servers) {
		switch {
		case wanted[s.Name]:
		case !holding[s.Name]:
			p.do(ForgetServer{Name: s.Name})
		default:
			if !s.Removed {
				s.Removed = true
				p.do(PutServer{Server: s})
			}
			p.note("server "+string(s.Name), "left the configuration, and holds replicas still")
		}
	}
}

func (p *planning) deleteNamespaces() {
	for _, n := range slices.Clone(p.status.Namespaces) {
		if !slices.ContainsFunc(p.desired.GetNamespaces(), func(w *api.Namespace) bool { return w.GetName() == n.Name }) {
			p.do(DeleteNamespace{Name: n.Name})
		}
	}
}

func (p *planning) changeNamespace(wanted *api.Namespace, have *Namespace) {
	about := "namespace " + have.Name
	if off := notificationsOff(wanted); off != have.NoNotifications {
		p.do(SetNotifications{Namespace: have.Name, Off: off})
	}
	if sorting := wanted.GetKeySorting(); sorting != "" && sorting != have.KeySorting() {
		p.note(about, "keySorting was fixed as %s when it was created, and cannot become %s", have.KeySorting(), sorting)
	}
	if factor := wanted.GetReplicationFactor(); factor != have.ReplicationFactor {
		p.note(about, "its shards were made with %d replicas each; that the configuration wants %d changes new namespaces only",
			have.ReplicationFactor, factor)
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
