package plan

import (
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

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
	place := p.newPlacement(wanted)
	for _, r := range tile(wanted.GetInitialShardCount()) {
		ensemble, missing := place.ensemble()
		if missing != "" {
			p.note("namespace "+n.Name, "cannot be created: %s", missing)
			p.look() // what was placed of it is not
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
