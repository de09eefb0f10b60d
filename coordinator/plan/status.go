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
	// Deleted are shards of namespaces that are gone. Their ids are not used again,
	// and nobody serves them.
	Deleted []replication.ShardID `json:"deleted,omitempty"`
}

// Server is a data server of the cluster.
type Server struct {
	Name replication.ServerID `json:"name"`
	// Public and Internal are host:port.
	Public   string `json:"public"`
	Internal string `json:"internal"`
	// Removed says that it is not in the configuration any more.
	Removed bool `json:"removed,omitempty"`
}

// Namespace is a namespace with its shards.
type Namespace struct {
	Name              string  `json:"name"`
	ReplicationFactor uint32  `json:"replicationFactor"`
	NaturalOrder      bool    `json:"naturalOrder,omitempty"`
	NoNotifications   bool    `json:"noNotifications,omitempty"`
	Shards            []Shard `json:"shards"`
}

// Shard is a shard, and where it was to begin.
type Shard struct {
	ID replication.ShardID `json:"id"`
	// Min and Max are the hashes between which it is, both included.
	Min uint32 `json:"min"`
	Max uint32 `json:"max"`
	// Ensemble are the servers of the shard's first document, those of later ones may
	// be others.
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
// replaced.
func (s Status) clone() Status {
	s.Servers = slices.Clone(s.Servers)
	s.Namespaces = slices.Clone(s.Namespaces)
	s.Deleted = slices.Clone(s.Deleted)
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
