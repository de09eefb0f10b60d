package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/replication"
)

// Action is one thing to do. The set is closed.
type Action interface {
	// String tells the action with its reason, for the log and for operators.
	String() string
	// Lasts reports whether the action changes the status. Such a one is done by storing the
	// status, and then making the cluster what it says; one that does not is enacted once.
	Lasts() bool
	apply(*Status)
}

// Apply returns the status after some actions.
func Apply(s Status, actions []Action) Status {
	s = s.clone()
	for _, a := range actions {
		a.apply(&s)
	}
	return s
}

// The actions.
type (
	// PutServer adds a server, or changes what is known of it.
	PutServer struct{ Server Server }
	// ForgetServer drops a server that holds nothing any more.
	ForgetServer struct {
		Name replication.ServerID
		// GivenUp says that it was away when it was emptied, so that replicas which left it
		// may still be on its disk. Nobody waits for their deletion any more.
		GivenUp bool
	}
	// CreateNamespace adds a namespace with shards of new ids.
	CreateNamespace struct{ Namespace Namespace }
	// SetNotifications turns a namespace's notifications on or off.
	SetNotifications struct {
		Namespace string
		Off       bool
	}
	// SetReplicationFactor changes how many replicas each shard of a namespace is to have.
	// What that means for each is planned by itself.
	SetReplicationFactor struct {
		Namespace string
		Factor    uint32
	}
	// DeleteNamespace ends a namespace. Its shards are served no more, and deleted.
	DeleteNamespace struct{ Name string }
	// SetEnsemble changes where a shard's replicas are wanted, by one server at most.
	SetEnsemble struct {
		Ensemble []replication.ServerID
		Change   Change
	}
	// Settle forgets that shards were changed lately.
	Settle struct{ Shards []replication.ShardID }
	// ForgetShard drops a deleted shard of which nothing is left.
	ForgetShard struct{ Shard replication.ShardID }
	// MarkRecovery records that an operator let a shard go on without its majority, which
	// then is wanted on the survivors alone.
	MarkRecovery struct{ Recovery Recovery }
	// TransferLeader has another member lead a shard. It does not change the status.
	TransferLeader struct {
		Shard    replication.ShardID
		From, To replication.ServerID
		Kind     Kind
		Reason   string
	}
)

func (PutServer) Lasts() bool            { return true }
func (ForgetServer) Lasts() bool         { return true }
func (CreateNamespace) Lasts() bool      { return true }
func (SetNotifications) Lasts() bool     { return true }
func (SetReplicationFactor) Lasts() bool { return true }
func (DeleteNamespace) Lasts() bool      { return true }
func (SetEnsemble) Lasts() bool          { return true }
func (Settle) Lasts() bool               { return true }
func (ForgetShard) Lasts() bool          { return true }
func (MarkRecovery) Lasts() bool         { return true }
func (TransferLeader) Lasts() bool       { return false }

func (a PutServer) String() string {
	state := "wanted"
	switch {
	case a.Server.Removed:
		state = "removed"
	case a.Server.Draining:
		state = "to be drained"
	}
	return fmt.Sprintf("server %s: %s, public %s, internal %s", a.Server.Name, state, a.Server.Public, a.Server.Internal)
}

func (a ForgetServer) String() string {
	if a.GivenUp {
		return fmt.Sprintf("server %s: forgotten; it was away, and may have replicas on its disk that are nobody's", a.Name)
	}
	return fmt.Sprintf("server %s: forgotten", a.Name)
}

func (a CreateNamespace) String() string {
	n := a.Namespace
	return fmt.Sprintf("namespace %s: created with %d shards, %d replicas each, %s order",
		n.Name, len(n.Shards), n.ReplicationFactor, n.KeySorting())
}

func (a SetNotifications) String() string {
	return fmt.Sprintf("namespace %s: notifications enabled %v, from each shard's next term on", a.Namespace, !a.Off)
}

func (a SetReplicationFactor) String() string {
	return fmt.Sprintf("namespace %s: %d replicas of each shard", a.Namespace, a.Factor)
}

func (a DeleteNamespace) String() string { return fmt.Sprintf("namespace %s: deleted", a.Name) }

func (a SetEnsemble) String() string {
	return fmt.Sprintf("shard %d: to be on %s (%s): %s", a.Change.Shard, names(a.Ensemble), a.Change.Kind, a.Change.Reason)
}

func (a Settle) String() string { return fmt.Sprintf("%d shards: changed, and rested", len(a.Shards)) }

func (a ForgetShard) String() string { return fmt.Sprintf("shard %d: deleted", a.Shard) }

func (a MarkRecovery) String() string {
	r := a.Recovery
	return fmt.Sprintf("shard %d of %s: goes on without its majority, on %s alone, and gives up %s: %s",
		r.Shard, r.Namespace, names(r.Survivors), names(r.Lost), r.Risk)
}

func (a TransferLeader) String() string {
	return fmt.Sprintf("shard %d: to be led by %s instead of %s (%s): %s", a.Shard, a.To, a.From, a.Kind, a.Reason)
}

func names(servers []replication.ServerID) string {
	text := make([]string, len(servers))
	for i, s := range servers {
		text[i] = string(s)
	}
	return strings.Join(text, ", ")
}

func (a PutServer) apply(s *Status) {
	if known := s.server(a.Server.Name); known != nil {
		*known = a.Server
		return
	}
	s.Servers = append(s.Servers, a.Server)
}

func (a ForgetServer) apply(s *Status) {
	s.Servers = slices.DeleteFunc(s.Servers, func(one Server) bool { return one.Name == a.Name })
}

func (a CreateNamespace) apply(s *Status) {
	s.Namespaces = append(s.Namespaces, a.Namespace)
	for _, shard := range a.Namespace.Shards {
		s.NextShard = max(s.NextShard, shard.ID+1)
	}
}

func (a SetNotifications) apply(s *Status) {
	if n := s.namespace(a.Namespace); n != nil {
		n.NoNotifications = a.Off
	}
}

func (a SetReplicationFactor) apply(s *Status) {
	if n := s.namespace(a.Namespace); n != nil {
		n.ReplicationFactor = a.Factor
	}
}

func (a DeleteNamespace) apply(s *Status) {
	n := s.namespace(a.Name)
	if n == nil {
		return
	}
	gone := map[replication.ShardID]bool{}
	for _, shard := range n.Shards {
		s.Deleting = append(s.Deleting, shard.ID)
		gone[shard.ID] = true
	}
	s.Changes = slices.DeleteFunc(s.Changes, func(c Change) bool { return gone[c.Shard] })
	s.Namespaces = slices.DeleteFunc(s.Namespaces, func(one Namespace) bool { return one.Name == a.Name })
}

func (a SetEnsemble) apply(s *Status) {
	if s.want(a.Change.Shard, a.Ensemble) {
		Settle{Shards: []replication.ShardID{a.Change.Shard}}.apply(s)
		s.Changes = append(s.Changes, a.Change)
	}
}

func (a Settle) apply(s *Status) {
	s.Changes = slices.DeleteFunc(s.Changes, func(c Change) bool { return slices.Contains(a.Shards, c.Shard) })
}

func (a ForgetShard) apply(s *Status) {
	s.Deleting = slices.DeleteFunc(s.Deleting, func(id replication.ShardID) bool { return id == a.Shard })
}

func (a MarkRecovery) apply(s *Status) {
	s.Recoveries = append(s.Recoveries, a.Recovery)
	s.Recoveries = s.Recoveries[max(0, len(s.Recoveries)-MaxRecoveries):]
	SetEnsemble{Ensemble: a.Recovery.Survivors, Change: Change{
		Shard: a.Recovery.Shard, Kind: KindRecovery, Reason: a.Recovery.Risk, Began: a.Recovery.At,
	}}.apply(s)
}

func (TransferLeader) apply(*Status) {}
