package plan

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Action is one change of the status. The set is closed.
type Action interface {
	// String tells the change, for the log.
	String() string
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
	ForgetServer struct{ Name replication.ServerID }
	// CreateNamespace adds a namespace with shards of new ids.
	CreateNamespace struct{ Namespace Namespace }
	// SetNotifications turns a namespace's notifications on or off.
	SetNotifications struct {
		Namespace string
		Off       bool
	}
	// DeleteNamespace ends a namespace. Its shards are served no more.
	DeleteNamespace struct{ Name string }
)

func (a PutServer) String() string {
	state := "wanted"
	if a.Server.Removed {
		state = "removed"
	}
	return fmt.Sprintf("server %s: %s, public %s, internal %s", a.Server.Name, state, a.Server.Public, a.Server.Internal)
}

func (a ForgetServer) String() string { return fmt.Sprintf("server %s: forgotten", a.Name) }

func (a CreateNamespace) String() string {
	n := a.Namespace
	return fmt.Sprintf("namespace %s: created with %d shards, %d replicas each, %s order",
		n.Name, len(n.Shards), n.ReplicationFactor, n.KeySorting())
}

func (a SetNotifications) String() string {
	return fmt.Sprintf("namespace %s: notifications enabled %v, from each shard's next term on", a.Namespace, !a.Off)
}

func (a DeleteNamespace) String() string { return fmt.Sprintf("namespace %s: deleted", a.Name) }

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

func (a DeleteNamespace) apply(s *Status) {
	n := s.namespace(a.Name)
	if n == nil {
		return
	}
	for _, shard := range n.Shards {
		s.Deleted = append(s.Deleted, shard.ID)
	}
	s.Namespaces = slices.DeleteFunc(s.Namespaces, func(one Namespace) bool { return one.Name == a.Name })
}
