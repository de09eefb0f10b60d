package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostraka-db/ostraka/api"
)

// clusterItem is a cluster as it is printed. In JSON and YAML each item of a status is
// in a field that names its kind.
type clusterItem struct {
	Cluster              string `json:"cluster"`
	Shards               uint32 `json:"shards"`
	ShardsLed            uint32 `json:"shardsLed"`
	ShardsSteady         uint32 `json:"shardsSteady"`
	ConfigurationProblem string `json:"configurationProblem,omitempty"`
}

type coordinatorItem struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	Leads   bool   `json:"leads"`
}

var coordinatorColumns = []string{"COORDINATOR", "ADDRESS", "LEADS"}

func (c coordinatorItem) Row() []string { return []string{c.Name, orNone(c.Address), yesNo(c.Leads)} }

// memberItem is a data server with what it holds.
type memberItem struct {
	Name            string            `json:"name"`
	Public          string            `json:"public"`
	Internal        string            `json:"internal"`
	Labels          map[string]string `json:"labels,omitempty"`
	State           string            `json:"state"`
	Draining        bool              `json:"draining"`
	Problem         string            `json:"problem,omitempty"`
	Replicas        uint32            `json:"replicas"`
	Leaderships     uint32            `json:"leaderships"`
	Bytes           int64             `json:"bytes"`
	WritesPerSecond float64           `json:"writesPerSecond"`
	ReadsPerSecond  float64           `json:"readsPerSecond"`
	Features        []string          `json:"features,omitempty"`
}

var memberColumns = []string{"SERVER", "STATE", "REPLICAS", "LEADS", "SIZE", "WRITES/S", "READS/S", "LABELS", "PROBLEM"}

func (m memberItem) Row() []string {
	return []string{
		m.Name, m.State, number(m.Replicas), number(m.Leaderships), size(m.Bytes), rate(m.WritesPerSecond), rate(m.ReadsPerSecond),
		orNone(pairs(m.Labels)), orNone(m.Problem),
	}
}

func memberOf(s *api.ClusterServer) memberItem {
	return memberItem{
		Name: s.GetServer(), Public: s.GetPublic(), Internal: s.GetInternal(), Labels: s.GetLabels(),
		State: word(s.GetState(), "CLUSTER_SERVER_STATE_"), Draining: s.GetDraining(), Problem: s.GetProblem(),
		Replicas: s.GetReplicas(), Leaderships: s.GetLeaderships(), Bytes: s.GetBytes(),
		WritesPerSecond: s.GetWritesPerSecond(), ReadsPerSecond: s.GetReadsPerSecond(), Features: s.GetFeatures(),
	}
}

// shardItem is a shard as it is printed.
type shardItem struct {
	Shard           string        `json:"shard"`
	MinHash         uint32        `json:"minHash"`
	MaxHash         uint32        `json:"maxHash"`
	Term            int64         `json:"term"`
	Leader          string        `json:"leader,omitempty"`
	Steady          bool          `json:"steady"`
	Unsteady        []reasonItem  `json:"unsteady,omitempty"`
	Wanted          []string      `json:"wanted"`
	Lag             *int64        `json:"lag,omitempty"`
	Bytes           int64         `json:"bytes"`
	WritesPerSecond float64       `json:"writesPerSecond"`
	ReadsPerSecond  float64       `json:"readsPerSecond"`
	Recovered       bool          `json:"recovered,omitempty"`
	Deleted         bool          `json:"deleted,omitempty"`
	Replicas        []replicaItem `json:"replicas"`
}

type reasonItem struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

var shardColumns = []string{"SHARD", "TERM", "LEADER", "ENSEMBLE", "WANTED", "LAG", "SIZE", "WRITES/S", "READS/S", "STATE"}

func (s shardItem) Row() []string {
	lag := "-"
	if s.Lag != nil {
		lag = number(*s.Lag)
	}
	return []string{
		s.Shard, number(s.Term), orNone(s.Leader), orNone(s.members()), s.changes(), lag, size(s.Bytes),
		rate(s.WritesPerSecond), rate(s.ReadsPerSecond), s.state(),
	}
}

// members tells the replicas in one cell: who votes, + who is to, - who leaves or has
// left, and ? behind those of which nothing is known at present.
func (s shardItem) members() string {
	var all []string
	for _, r := range s.Replicas {
		text := r.Server
		switch {
		case r.Place == "joining" || r.Place == "learner":
			text = "+" + text
		case r.Place == "removed" || r.Leaving:
			text = "-" + text
		}
		if !r.Told {
			text += "?"
		}
		all = append(all, text)
	}
	return strings.Join(all, ",")
}

// changes tells who is wanted where that is not who is there.
func (s shardItem) changes() string {
	var ensemble []string
	for _, r := range s.Replicas {
		if r.Place == "ensemble" {
			ensemble = append(ensemble, r.Server)
		}
	}
	if slices.Equal(slices.Sorted(slices.Values(ensemble)), slices.Sorted(slices.Values(s.Wanted))) {
		return "-"
	}
	return orNone(strings.Join(s.Wanted, ","))
}

func (s shardItem) state() string {
	var all []string
	for _, reason := range s.Unsteady {
		all = append(all, reason.Text)
	}
	if len(all) == 0 {
		all = append(all, "steady")
	}
	if s.Recovered {
		all = append(all, "was recovered unsafely")
	}
	return strings.Join(all, "; ")
}

func shardOf(s *api.ClusterShard) shardItem {
	item := shardItem{
		Shard: shardName(s.GetNamespace(), s.GetShard()), MinHash: s.GetMinHashInclusive(), MaxHash: s.GetMaxHashInclusive(),
		Term: s.GetTerm(), Leader: s.GetLeader(), Steady: len(s.GetUnsteady()) == 0, Wanted: s.GetWanted(), Bytes: s.GetBytes(),
		WritesPerSecond: s.GetWritesPerSecond(), ReadsPerSecond: s.GetReadsPerSecond(),
		Recovered: s.GetRecovered(), Deleted: s.GetDeleted(), Replicas: []replicaItem{},
	}
	for _, reason := range s.GetUnsteady() {
		item.Unsteady = append(item.Unsteady, reasonItem{reason.GetKind(), reason.GetText()})
	}
	for _, told := range s.GetReplicas() {
		r := replicaOf(item.Shard, told)
		item.Replicas = append(item.Replicas, r)
		if r.Lag != nil && r.Place != "removed" && (item.Lag == nil || *item.Lag < *r.Lag) {
			item.Lag = r.Lag
		}
	}
	return item
}

// replicaItem is a replica as it is printed.
type replicaItem struct {
	shard   string
	Server  string `json:"server"`
	ID      int64  `json:"replica"`
	Place   string `json:"place"`
	Leaving bool   `json:"leaving"`
	Told    bool   `json:"told"`
	Role    string `json:"role,omitempty"`
	Term    int64  `json:"term"`
	Serving bool   `json:"serving"`
	Damaged bool   `json:"damaged"`
	Head    int64  `json:"headOffset"`
	Commit  int64  `json:"commitOffset"`
	Applied int64  `json:"appliedOffset"`
	Lag     *int64 `json:"lag,omitempty"`
	Bytes   int64  `json:"bytes"`
}

var replicaColumns = []string{"SHARD", "SERVER", "REPLICA", "PLACE", "ROLE", "TERM", "HEAD", "COMMIT", "APPLIED", "LAG", "SIZE", "STATE"}

func (r replicaItem) Row() []string {
	cells := []string{r.shard, r.Server, number(r.ID), r.Place}
	if !r.Told {
		return append(cells, "-", "-", "-", "-", "-", "-", "-", "its server does not tell of it")
	}
	lag, state := "-", "ok"
	if r.Lag != nil {
		lag = number(*r.Lag)
	}
	switch {
	case r.Damaged:
		state = "damaged"
	case r.Role == "leader" && !r.Serving:
		state = "not serving"
	}
	return append(cells, orNone(r.Role), number(r.Term), number(r.Head), number(r.Commit), number(r.Applied), lag, size(r.Bytes), state)
}

func replicaOf(shard string, r *api.ClusterReplica) replicaItem {
	return replicaItem{
		shard: shard, Server: r.GetServer(), ID: r.GetReplica(), Place: word(r.GetPlace(), "CLUSTER_REPLICA_PLACE_"), Told: r.GetTold(), Leaving: r.GetLeaving(),
		Role: word(r.GetRole(), "REPLICA_ROLE_"), Term: r.GetTerm(), Serving: r.GetServing(), Damaged: r.GetDamaged(),
		Head: r.GetHeadOffset(), Commit: r.GetCommitOffset(), Applied: r.GetAppliedOffset(), Lag: r.Lag, Bytes: r.GetBytes(),
	}
}

// noteItem is what is wanted and cannot be, or why something waits.
type noteItem struct {
	About string `json:"about"`
	Text  string `json:"text"`
}

func notesOf(notes []*api.ClusterNote) []noteItem {
	items := make([]noteItem, len(notes))
	for i, n := range notes {
		items[i] = noteItem{n.GetAbout(), n.GetText()}
	}
	return items
}

func (n noteItem) Row() []string { return []string{n.About, n.Text} }

// recoveryItem is the mark of an unsafe recovery.
type recoveryItem struct {
	Shard     string   `json:"shard"`
	Time      string   `json:"time"`
	Survivors []string `json:"survivors"`
	LeftOut   []string `json:"leftOut"`
	Term      int64    `json:"term"`
	MayBeLost string   `json:"mayBeLost"`
}

var recoveryColumns = []string{"RECOVERED", "TIME", "SURVIVORS", "LEFT OUT", "MAY BE LOST"}

func (r recoveryItem) Row() []string {
	return []string{r.Shard, r.Time, strings.Join(r.Survivors, ","), orNone(strings.Join(r.LeftOut, ",")), r.MayBeLost}
}

func recoveryOf(r *api.ClusterRecovery) recoveryItem {
	return recoveryItem{
		Shard: shardName(r.GetNamespace(), r.GetShard()), Time: moment(r.GetTimeUnixMs()), Survivors: r.GetSurvivors(), LeftOut: r.GetLeftOut(),
		Term: r.GetTerm(), MayBeLost: r.GetMayBeLost(),
	}
}

// shardName is how a shard is called: its namespace, and its number in the cluster. One
// whose namespace was deleted has the number alone.
func shardName(namespace string, shard int64) string {
	if namespace == "" {
		return number(shard)
	}
	return fmt.Sprintf("%s/%d", namespace, shard)
}

// word is a value of an enumeration for people; nothing for the unspecified one.
func word(value fmt.Stringer, prefix string) string {
	text := strings.TrimPrefix(value.String(), prefix)
	if text == "UNSPECIFIED" {
		return ""
	}
	return strings.ReplaceAll(strings.ToLower(text), "_", "-")
}

// moment is a time in a table, and in JSON.
func moment(unixMs int64) string {
	return time.UnixMilli(unixMs).UTC().Format("2006-01-02T15:04:05.000Z")
}

// size is a number of bytes in a table.
func size(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// rate is a number of things in a second in a table.
func rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 10 {
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return strconv.FormatFloat(perSecond, 'f', 0, 64)
}

// kinds are the fields in which the items of a status are, in JSON and YAML.
type kinds struct {
	Cluster     *clusterItem     `json:"cluster,omitempty"`
	Coordinator *coordinatorItem `json:"coordinator,omitempty"`
	Server      *memberItem      `json:"server,omitempty"`
	Shard       *shardItem       `json:"shard,omitempty"`
	Note        *noteItem        `json:"note,omitempty"`
	Recovery    *recoveryItem    `json:"recovery,omitempty"`
	Change      *changeItem      `json:"change,omitempty"`
}

// Row makes it an item; in a table each kind has a table of its own.
func (kinds) Row() []string { return nil }
