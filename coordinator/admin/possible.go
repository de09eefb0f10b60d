package admin

import (
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/replication"
)

// What operators ask for is looked at before it is done, so that each mistake is told
// with its remedy. What changes between the look and the deed is the coordinator's
// business.

// movable says why a replica cannot go from a server to another.
func movable(now coordinator.Snapshot, p placed, from, to replication.ServerID) error {
	switch {
	case from == "":
		return refuse(codes.InvalidArgument, "from is missing: name the server whose replica is to go; shard %s is on %s", p.name(), list(p.shard.Ensemble))
	case to == "":
		return refuse(codes.InvalidArgument, "to is missing: name the server that is to hold a replica instead")
	case from == to:
		return refuse(codes.InvalidArgument, "from and to are both %q: name two servers", from)
	case !slices.Contains(p.shard.Ensemble, from):
		return refuse(codes.FailedPrecondition, "from is %q, which is not to hold shard %s: name one of %s", from, p.name(), list(p.shard.Ensemble))
	case slices.Contains(p.shard.Ensemble, to):
		return refuse(codes.FailedPrecondition, "to is %q, which is to hold shard %s already: name a server that is none of %s", to, p.name(), list(p.shard.Ensemble))
	}
	return receiving(now, to)
}

// receiving says why a server cannot be given a replica.
func receiving(now coordinator.Snapshot, to replication.ServerID) error {
	s, known := serverOf(now, to)
	switch {
	case !known:
		return noServer(string(to))
	case s.Removed || !configured(now, to):
		return refuse(codes.FailedPrecondition, "to is %q, which has left the configuration: name a server that is in it", to)
	case s.Draining:
		return refuse(codes.FailedPrecondition, "to is %q, which drains: undrain it first, or name another", to)
	}
	return reached(now, "to", to)
}

// reached says why a server cannot be asked for anything.
func reached(now coordinator.Snapshot, field string, name replication.ServerID) error {
	if s := now.Servers[name]; !s.Reachable {
		return refuse(codes.FailedPrecondition, "%s is %q, which is not reached (%s): start it or mend its connection, or name another", field, name, absence(s))
	}
	return nil
}

// transferable says why a server cannot be made a shard's leader.
func transferable(now coordinator.Snapshot, p placed, to replication.ServerID) error {
	voters := votersOf(now, p)
	s, known := serverOf(now, to)
	switch {
	case to == "":
		return refuse(codes.InvalidArgument, "to is missing: name the server whose replica is to lead, one of %s", list(voters))
	case !known:
		return noServer(string(to))
	case s.Draining:
		return refuse(codes.FailedPrecondition, "to is %q, which drains: undrain it first, or name another", to)
	case !slices.Contains(voters, to):
		return refuse(codes.FailedPrecondition, "to is %q, which is not in the ensemble of shard %s: name one of %s, or move a replica there first", to, p.name(), list(voters))
	}
	return reached(now, "to", to)
}

// drainable says why a server cannot be drained, or undrained.
func drainable(now coordinator.Snapshot, name replication.ServerID, on bool) error {
	s, known := serverOf(now, name)
	switch {
	case !known:
		return noServer(string(name))
	case s.Removed:
		return refuse(codes.FailedPrecondition, "server %q has left the configuration, and its replicas go: there is nothing to drain", name)
	case !on || s.Draining:
		return nil
	}
	left := -1
	for _, other := range now.Status.Servers {
		if !other.Removed && !other.Draining {
			left++
		}
	}
	for _, n := range now.Config.GetNamespaces() {
		if int(n.GetReplicationFactor()) > left {
			return refuse(codes.FailedPrecondition,
				"namespace %s has %d replicas of each shard, and %d servers would be left for them: add a server first, or lower its replication factor",
				n.GetName(), n.GetReplicationFactor(), left)
		}
	}
	return nil
}

// list names servers in a message.
func list(servers []replication.ServerID) string {
	if len(servers) == 0 {
		return "none"
	}
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
