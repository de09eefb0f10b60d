package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

// Status is what a cluster has come to: all that coordinators keep of it beside the
// shards' own documents.
type Status struct {
	// Cluster is drawn once, when the cluster is made.
	Cluster string `json:"cluster"`
	// NextShard is the id of the next shard to be made, from 0. None is given twice.
	NextShard replication.ShardID `json:"nextShard"`
	// Servers are those of the configuration, and those that left it and may hold
	// replicas still; in the order in which they came.
	Servers []Server `json:"servers,omitempty"`
	// Namespaces are in the order in which they were created.
	Namespaces []Namespace `json:"namespaces,omitempty"`
	// Deleting are shards of namespaces that are gone, of which replicas may still be
	// there. Nobody serves them, and their ids are not used again.
	Deleting []replication.ShardID `json:"deleting,omitempty"`
	// Changes are of the shards whose ensembles were changed lately, one each, in the order
	// in which they began.
	Changes []Change `json:"changes,omitempty"`
	// Recoveries are the shards that were recovered without a majority, in the order in
	// which that was done: the last MaxRecoveries of them. They stay for ever.
	Recoveries []Recovery `json:"recoveries,omitempty"`
}

// MaxRecoveries is how many marks of recoveries are kept. Each is an operator's decision
// by hand, so that this is out of reach in practice.
const MaxRecoveries = 10000

// Server is a data server of the cluster.
type Server struct {
	Name replication.ServerID `json:"name"`
	// Public and Internal are host:port.
	Public   string `json:"public"`
	Internal string `json:"internal"`
	// Removed says that it is not in the configuration any more.
	Removed bool `json:"removed,omitempty"`
	// Draining says that an operator wants it empty: it gives its replicas and
	// leaderships to others, and gets none.
	Draining bool `json:"draining,omitempty"`
}

// Namespace is a namespace with its shards.
type Namespace struct {
	Name              string  `json:"name"`
	ReplicationFactor uint32  `json:"replicationFactor"`
	NaturalOrder      bool    `json:"naturalOrder,omitempty"`
	NoNotifications   bool    `json:"noNotifications,omitempty"`
	Shards            []Shard `json:"shards"`
}

// Shard is a shard, and where it is wanted.
type Shard struct {
	ID replication.ShardID `json:"id"`
	// Min and Max are the hashes between which it is, both included.
	Min uint32 `json:"min"`
	Max uint32 `json:"max"`
	// Ensemble are the servers that are to hold its replicas. Those of its document may be
	// others for a while, by one server at most. The first document is made of them, and
	// elections that begin together then choose the first.
	Ensemble []replication.ServerID `json:"ensemble"`
}

// Encode returns the status as it is stored.
func (s Status) Encode() ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode the cluster's status: %w", err)
	}
	return text, nil
}

// DecodeStatus reads what Encode wrote.
func DecodeStatus(text []byte) (Status, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	// A field that this release does not know would be lost when it is next written.
	decoder.DisallowUnknownFields()
	var s Status
	if err := decoder.Decode(&s); err != nil {
		return Status{}, fmt.Errorf("decode the cluster's status: %w", err)
	}
	if s.Cluster == "" {
		return Status{}, fmt.Errorf("decode the cluster's status: it names no cluster")
	}
	return s, nil
}

// clone returns a copy of which the lists may be changed, and the elements
// replaced. The lists of namespaces' shards are shared; want replaces them.
func (s Status) clone() Status {
	s.Servers = slices.Clone(s.Servers)
	s.Namespaces = slices.Clone(s.Namespaces)
	s.Deleting = slices.Clone(s.Deleting)
	s.Changes = slices.Clone(s.Changes)
	s.Recoveries = slices.Clone(s.Recoveries)
	return s
}

func (s *Status) server(name replication.ServerID) *Server {
	i := slices.IndexFunc(s.Servers, func(one Server) bool { return one.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Servers[i]
}

func (s *Status) namespace(name string) *Namespace {
	i := slices.IndexFunc(s.Namespaces, func(one Namespace) bool { return one.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Namespaces[i]
}

// want replaces a shard's ensemble, and reports whether there is such a shard.
func (s *Status) want(id replication.ShardID, ensemble []replication.ServerID) bool {
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		if at := slices.IndexFunc(n.Shards, func(one Shard) bool { return one.ID == id }); at >= 0 {
			n.Shards = slices.Clone(n.Shards)
			n.Shards[at].Ensemble = ensemble
			return true
		}
	}
	return false
}

// Settings returns the settings of a shard of the namespace, encoded.
func (n *Namespace) Settings(s Shard) ([]byte, error) {
	settings := &api.ShardSettings{
		Namespace: n.Name, MinHashInclusive: s.Min, MaxHashInclusive: s.Max,
		KeyOrder: api.KeyOrder_KEY_ORDER_HIERARCHICAL, NotificationsDisabled: n.NoNotifications,
	}
	if n.NaturalOrder {
		settings.KeyOrder = api.KeyOrder_KEY_ORDER_NATURAL
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("encode the settings of shard %d: %w", s.ID, err)
	}
	return encoded, nil
}

// KeySorting is the key order, as the configuration names it.
func (n *Namespace) KeySorting() string {
	if n.NaturalOrder {
		return config.SortingNatural
	}
	return config.SortingHierarchical
}
