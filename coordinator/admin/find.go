package admin

import (
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// placed is a shard with the namespace that it is in.
type placed struct {
	namespace string
	shard     plan.Shard
}

func (p placed) id() replication.ShardID { return p.shard.ID }

// name is how people call a shard.
func (p placed) name() string { return fmt.Sprintf("%s/%d", p.namespace, p.shard.ID) }

// deleted reports whether the shard's namespace is gone, and the shard on its way out.
func (p placed) deleted() bool { return p.namespace == "" }

// every calls do with each shard of the cluster, namespace by namespace, and then with
// those whose namespaces were deleted.
func every(now coordinator.Snapshot, do func(placed)) {
	for _, n := range now.Status.Namespaces {
		for _, shard := range n.Shards {
			do(placed{n.Name, shard})
		}
	}
	for _, id := range now.Status.Deleting {
		do(placed{shard: plan.Shard{ID: id}})
	}
}

// find returns the shard of a name.
func find(now coordinator.Snapshot, name *api.ShardName) (placed, error) {
	if name == nil {
		return placed{}, refuse(codes.InvalidArgument, "shard is missing: name the shard")
	}
	var found *placed
	every(now, func(p placed) {
		if p.id() == replication.ShardID(name.GetShard()) {
			found = &p
		}
	})
	switch {
	case found == nil:
		return placed{}, refuse(codes.NotFound, "there is no shard %d: list the shards to see their names", name.GetShard())
	case found.deleted():
		return placed{}, refuse(codes.FailedPrecondition, "the namespace of shard %d was deleted, and the shard goes: nothing can be done with it", name.GetShard())
	case name.GetNamespace() != "" && name.GetNamespace() != found.namespace:
		return placed{}, refuse(codes.InvalidArgument, "shard.namespace is %q, and shard %d is %s: name it so",
			name.GetNamespace(), name.GetShard(), found.name())
	}
	return *found, nil
}

// selection is the shards that a caller asks for.
type selection struct {
	// namespace is empty for all, named is nil.
	namespace string
	named     map[int64]bool
}

// selected returns what a request asks for.
func selected(now coordinator.Snapshot, namespace string, names []*api.ShardName) (selection, error) {
	s := selection{namespace: namespace}
	switch {
	case namespace != "" && len(names) > 0:
		return s, refuse(codes.InvalidArgument, "namespace and shards exclude each other: give one of them")
	case len(names) > maxNamed:
		return s, refuse(codes.InvalidArgument, "shards are %d: name %d at the most, or give a namespace", len(names), maxNamed)
	case namespace != "" && indexOfNamespace(now.Config, namespace) < 0 && !hasShards(now, namespace):
		return s, noNamespace(namespace)
	}
	for _, name := range names {
		if _, err := find(now, name); err != nil {
			return s, err
		}
		if s.named == nil {
			s.named = map[int64]bool{}
		}
		s.named[name.GetShard()] = true
	}
	return s, nil
}

func hasShards(now coordinator.Snapshot, namespace string) (has bool) {
	every(now, func(p placed) { has = has || p.namespace == namespace })
	return has
}

// has reports whether a shard is among those that were asked for.
func (s selection) has(namespace string, shard int64) bool {
	switch {
	case s.named != nil:
		return s.named[shard]
	case s.namespace != "":
		return s.namespace == namespace
	}
	return true
}
