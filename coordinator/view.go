package coordinator

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

// view is what one reign knows of the cluster.
type view struct {
	observer Observer
	// news wakes the publisher at once, rumour wakes it soon; stirred wakes who plans.
	news, rumour, stirred chan struct{}

	mu sync.Mutex // guards what follows
	// status is the cluster's as it is stored in a version.
	status  plan.Status
	version int64
	notes   []plan.Note
	config  *api.ClusterConfiguration
	shards  map[replication.ShardID]*shardView
	servers map[replication.ServerID]*serverView
	// places are where the status has its shards.
	places map[replication.ShardID]place
	// changed is closed when anything of a shard or a server changes; nil while nobody
	// waits for that.
	changed chan struct{}
}

// place is a shard as the status has it.
type place struct {
	namespace string
	wanted    []replication.ServerID
}

// shardView is a shard as it was last heard of.
type shardView struct {
	// document is the newest that is, or was, stored; nil if there is none yet.
	document *replication.Document
	// term is the highest in which somebody was to lead, leader who does, or did last.
	term   replication.Term
	leader replication.ServerID
	// since is since when leader leads, or nobody does; zero if it was found so.
	since time.Time
	// progress is when the document changed last, transfer the last leadership that was to
	// move.
	progress time.Time
	transfer plan.Transfer
	// began is when the claim of the term was begun, cause why; zero once it is led.
	began time.Time
	cause Cause
}

// serverView is a server as it was last heard of.
type serverView struct {
	// state is what the server told last; nil if there is no stream to it.
	state *api.ServerState
	// gone says that the connection to it is broken, and reason why it has no stream.
	gone   bool
	reason error
	// known says that anything was heard of it, since from when on it is heard, or is not;
	// zero if it was never otherwise.
	known bool
	since time.Time
	// replicas are those that it told of. They were all told, as of a moment on its clock, at
	// completeAt. Anew says that its next word tells all from the beginning.
	replicas   map[replication.ShardID]*replicaView
	completeAt int64
	anew       bool
}

func newView(o Observer) *view {
	return &view{
		observer: o, news: make(chan struct{}, 1), rumour: make(chan struct{}, 1), stirred: make(chan struct{}, 1),
		shards: map[replication.ShardID]*shardView{}, servers: map[replication.ServerID]*serverView{},
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watch returns a channel that is closed when anything of a shard or a server changes.
func (v *view) watch() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.changed == nil {
		v.changed = make(chan struct{})
	}
	return v.changed
}

// tell tells those who watch, and, if it may matter for what is to be done, who plans. The
// view is locked.
func (v *view) tell(matters bool) {
	if v.changed != nil {
		close(v.changed)
		v.changed = nil
	}
	if matters {
		signal(v.stirred)
	}
}

func (v *view) shard(id replication.ShardID) *shardView {
	s := v.shards[id]
	if s == nil {
		s = &shardView{}
		v.shards[id] = s
	}
	return s
}

func (v *view) server(id replication.ServerID) *serverView {
	s := v.servers[id]
	if s == nil {
		s = &serverView{replicas: map[replication.ShardID]*replicaView{}}
		v.servers[id] = s
	}
	return s
}

// found takes a shard's document as it was stored before this reign.
func (v *view) found(id replication.ShardID, doc replication.Document) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.shard(id)
	s.document, s.term, s.leader = &doc, doc.Term.Term, doc.Leader.Server
}

// written takes a shard's document. That a leader serves is so from the moment that
// somebody sets out to write it down, whatever comes of that; that a term was claimed, only
// once it was stored.
func (v *view) written(id replication.ShardID, doc replication.Document, stage shards.Stage) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.shard(id)
	before := s.document
	if stage == shards.Done && (before == nil || before.Version < doc.Version) {
		s.document, s.progress = &doc, time.Now()
		v.tell(true)
	}
	steady := doc.Status == replication.StatusSteady
	switch {
	case doc.Term.Term < s.term || doc.Term.Term == s.term && (!steady || s.leader != ""):
		return
	case steady:
		v.led(s, doc)
	case stage == shards.Begun:
		if s.began.IsZero() {
			s.began = time.Now()
		}
	default:
		v.claimed(s, before, doc)
	}
}

// led takes note of a new leader.
func (v *view) led(s *shardView, doc replication.Document) {
	if !s.began.IsZero() && s.cause != "" {
		v.observer.ElectionEnded(s.cause, time.Since(s.began))
	}
	if s.leader != doc.Leader.Server {
		s.since = time.Now()
	}
	s.term, s.leader = doc.Term.Term, doc.Leader.Server
	s.began, s.cause = time.Time{}, ""
	v.tell(false)
	signal(v.news)
}

// claimed takes note that there is no leader until there is another. Clients find that
// out by themselves; what is worth telling them at once is the next one.
func (v *view) claimed(s *shardView, before *replication.Document, doc replication.Document) {
	if !s.began.IsZero() {
		s.cause = v.causeOf(before, &doc)
		v.observer.ElectionBegan(s.cause)
	}
	if s.leader != "" || s.since.IsZero() {
		s.since = time.Now()
	}
	s.term, s.leader = doc.Term.Term, ""
	signal(v.rumour)
}

// heard takes what a server tells of itself, which is the view's from then on.
func (v *view) heard(id replication.ServerID, state *api.ServerState) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.server(id)
	drains := state.GetDraining() != s.state.GetDraining()
	moved := s.reached(func() { s.state, s.gone, s.reason = state, false, nil })
	v.tell(moved || drains)
	s.reports(state.GetReports())
	state.Reports = nil
}

// lost takes that there is no stream to a server.
func (v *view) lost(id replication.ServerID, reason error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.server(id)
	v.tell(s.reached(func() { s.state, s.reason = nil, reason }))
	s.anew = true
}

// gone takes that the connection to a server broke.
func (v *view) gone(id replication.ServerID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.server(id)
	v.tell(s.reached(func() { s.gone = true }))
}

// set takes what there is to be, as it is stored in a version, and what could not be brought
// about.
func (v *view) set(status plan.Status, version int64, config *api.ClusterConfiguration, notes []plan.Note) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notes = notes
	if v.version == version && v.config == config {
		return
	}
	v.status, v.version, v.config = status, version, config
	maps.DeleteFunc(v.servers, func(id replication.ServerID, _ *serverView) bool {
		return !slices.ContainsFunc(status.Servers, func(s plan.Server) bool { return s.Name == id })
	})
	v.places = make(map[replication.ShardID]place, len(v.places))
	for _, n := range status.Namespaces {
		for _, shard := range n.Shards {
			v.places[shard.ID] = place{namespace: n.Name, wanted: shard.Ensemble}
		}
	}
	v.tell(false)
	signal(v.news)
}

// clusterState is what servers are told.
func (v *view) clusterState() *api.ClusterState {
	v.mu.Lock()
	defer v.mu.Unlock()
	state := &api.ClusterState{Cluster: v.status.Cluster, AllowedAuthorities: authorities(v.status, v.config)}
	for _, s := range v.status.Servers {
		state.Servers = append(state.Servers, &api.ServerAddress{Server: string(s.Name), Public: s.Public, Internal: s.Internal})
	}
	for _, n := range v.status.Namespaces {
		state.Namespaces = append(state.Namespaces, n.Name)
		for _, shard := range n.Shards {
			told := &api.ShardState{
				Namespace: n.Name, Shard: int64(shard.ID), MinHashInclusive: shard.Min, MaxHashInclusive: shard.Max,
			}
			if s := v.shards[shard.ID]; s != nil {
				told.Term, told.Leader = int64(s.term), string(s.leader)
			}
			state.Shards = append(state.Shards, told)
		}
	}
	for _, n := range v.config.GetNamespaces() {
		if !slices.Contains(state.Namespaces, n.GetName()) {
			state.Namespaces = append(state.Namespaces, n.GetName())
		}
	}
	return state
}

// authorities are the names under which clients may call.
func authorities(status plan.Status, config *api.ClusterConfiguration) []string {
	var all []string
	for _, s := range status.Servers {
		all = append(all, s.Public, s.Internal)
	}
	all = append(all, config.GetAllowExtraAuthorities()...)
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], "tls://")
	}
	slices.Sort(all)
	return slices.Compact(all)
}
