package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// world is a cluster that does what is planned, when it pleases.
type world struct {
	t interface {
		Helper()
		Fatalf(format string, args ...any)
	}
	// choose picks one of so many.
	choose    func(n int) int
	now       time.Time
	desired   *api.ClusterConfiguration
	status    Status
	docs      map[replication.ShardID]*replication.Document
	leaders   map[replication.ShardID]replication.ServerID
	progress  map[replication.ShardID]time.Time
	loads     map[replication.ShardID]Load
	servers   map[replication.ServerID]ServerFacts
	transfers map[replication.ShardID]Transfer
	// stuck are shards whose changes do not get on, stubborn those that keep their leaders.
	stuck, stubborn map[replication.ShardID]bool
	options         *Options

	// left are the servers that shards left since the inputs last changed, moves how often
	// each kind was planned since then.
	left  map[replication.ShardID]map[replication.ServerID]bool
	moves map[Kind]int
	// history tells them, told all actions.
	history, told []string
	// unsettled says that replicas which left a shard are not deleted while their servers are away.
	unsettled bool
}

// newStory is a world in which nothing is left to chance.
func newStory(t *testing.T, c *api.ClusterConfiguration) *world {
	w := newWorld(nil, c)
	w.t, w.choose = t, func(int) int { return 0 }
	return w
}

func newWorld(t *rapid.T, c *api.ClusterConfiguration) *world {
	w := &world{
		t: t, choose: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "chosen") },
		stubborn: map[replication.ShardID]bool{},
		now:      time.Unix(1e9, 0), status: Status{Cluster: "c"},
		docs: map[replication.ShardID]*replication.Document{}, leaders: map[replication.ShardID]replication.ServerID{},
		progress: map[replication.ShardID]time.Time{}, loads: map[replication.ShardID]Load{},
		servers: map[replication.ServerID]ServerFacts{}, transfers: map[replication.ShardID]Transfer{},
		stuck: map[replication.ShardID]bool{}, options: DefaultOptions(),
	}
	w.configure(c)
	return w
}

// configure changes what is wanted. Servers that are new are there at once.
func (w *world) configure(c *api.ClusterConfiguration) {
	w.desired = c
	for _, s := range c.Servers {
		name := replication.ServerID(s.GetName())
		if _, known := w.servers[name]; !known {
			w.servers[name] = ServerFacts{Reachable: true, Since: w.now}
		}
	}
	w.changed()
}

// changed begins a new run of unchanged inputs.
func (w *world) changed() {
	w.left, w.moves = map[replication.ShardID]map[replication.ServerID]bool{}, map[Kind]int{}
	w.history = append(w.history, "changed")
}

func (w *world) reach(server replication.ServerID, reachable bool) {
	if w.servers[server].Reachable != reachable {
		w.servers[server] = ServerFacts{Reachable: reachable, Since: w.now}
		w.changed()
	}
}

func (w *world) observed() Observed {
	o := Observed{
		Now: w.now, Began: time.Unix(1e9, 0), Status: w.status, Shards: map[replication.ShardID]ShardFacts{},
		Servers: w.servers, Transfers: maps.Clone(w.transfers), Options: w.options,
	}
	for id, doc := range w.docs {
		o.Shards[id] = ShardFacts{Document: doc, Leader: w.leaders[id], Load: w.loads[id], Progress: w.progress[id]}
	}
	return o
}

// plan plans once, checks what comes of it, and takes it over.
func (w *world) plan() Decision {
	o := w.observed()
	d := Plan(w.desired, o)
	w.status = Apply(w.status, d.Actions)
	w.check(d)
	for _, a := range d.Actions {
		if t, is := a.(TransferLeader); is {
			w.transfers[t.Shard] = Transfer{To: t.To, At: w.now}
		}
	}
	again := Plan(w.desired, w.observed())
	if len(again.Actions) > 0 {
		w.t.Fatalf("planned again: %v after %v", again.Actions, d.Actions)
	}
	return d
}

func serversOf(doc *replication.Document) []replication.ServerID {
	var s []replication.ServerID
	for _, m := range doc.Ensemble {
		s = append(s, m.Server)
	}
	return s
}

func (w *world) majority(servers []replication.ServerID) bool {
	reached := 0
	for _, s := range servers {
		if w.servers[s].Reachable {
			reached++
		}
	}
	return reached > len(servers)/2
}

// check holds each action against what must not happen.
func (w *world) check(d Decision) {
	for _, a := range d.Actions {
		w.told = append(w.told, a.String())
		switch a := a.(type) {
		case SetEnsemble:
			w.checkMove(a)
		case TransferLeader:
			w.checkTransfer(a)
		}
	}
	changing, ofServer := 0, map[replication.ServerID]int{}
	for _, n := range w.status.Namespaces {
		for _, s := range n.Shards {
			doc := w.docs[s.ID]
			if doc == nil || w.stuck[s.ID] {
				continue
			}
			differ := slices.Concat(lacking(s.Ensemble, serversOf(doc)), lacking(serversOf(doc), s.Ensemble))
			if len(differ) == 0 || !w.majority(serversOf(doc)) {
				continue
			}
			changing++
			for _, one := range differ {
				ofServer[one]++
			}
		}
	}
	if changing > w.options.Changes {
		w.t.Fatalf("%d shards change at a time", changing)
	}
	for s, n := range ofServer {
		if n > w.options.ChangesPerServer {
			w.t.Fatalf("%d changes concern %s", n, s)
		}
	}
}

func lacking(a, b []replication.ServerID) []replication.ServerID {
	return slices.DeleteFunc(slices.Clone(a), func(s replication.ServerID) bool { return slices.Contains(b, s) })
}

func (w *world) checkMove(a SetEnsemble) {
	doc := w.docs[a.Change.Shard]
	have := serversOf(doc)
	in, out := lacking(a.Ensemble, have), lacking(have, a.Ensemble)
	switch {
	case a.Change.Kind == KindWithdrawal:
		if len(in)+len(out) > 0 {
			w.t.Fatalf("%v withdraws %v", a, have)
		}
		return
	case len(in) > 1 || len(out) > 1 || len(in)+len(out) == 0:
		w.t.Fatalf("%v moves more than one replica of %v", a, have)
	case !w.majority(have) || !w.majority(a.Ensemble):
		w.t.Fatalf("%v, from %v: no majority within reach", a, have)
	case len(doc.Joining) > 0:
		w.t.Fatalf("%v, while %v joins", a, doc.Joining)
	}
	w.history = append(w.history, fmt.Sprintf("%v %v: %v", w.now.Unix(), have, a))
	left := w.left[a.Change.Shard]
	if left == nil {
		left = map[replication.ServerID]bool{}
		w.left[a.Change.Shard] = left
	}
	for _, s := range in {
		if known := w.status.server(s); !w.servers[s].Reachable || known != nil && (known.Removed || known.Draining) {
			w.t.Fatalf("%v: %s is %v", a, s, known)
		}
		if left[s] && a.Change.Kind == KindBalance {
			w.t.Fatalf("%s gave that replica away:\n%s", s, strings.Join(w.history, "\n"))
		}
	}
	for _, s := range out {
		left[s] = left[s] || a.Change.Kind == KindBalance
	}
	w.moves[a.Change.Kind]++
}

func (w *world) checkTransfer(a TransferLeader) {
	if !slices.Contains(serversOf(w.docs[a.Shard]), a.To) || !w.servers[a.To].Reachable || w.leaders[a.Shard] != a.From || a.From == a.To {
		w.t.Fatalf("%v, of %v led by %s", a, serversOf(w.docs[a.Shard]), w.leaders[a.Shard])
	}
	if known := w.status.server(a.To); known != nil && (known.Removed || known.Draining) {
		w.t.Fatalf("%v: it leaves", a)
	}
	w.moves["lead"]++
}

// pass lets time pass, and some of what is under way get done: all of it if eager.
func (w *world) pass(d time.Duration, eager bool) {
	w.now = w.now.Add(d)
	if slices.ContainsFunc(w.status.Changes, func(c Change) bool { return c.Aside }) {
		w.changed() // what was set aside comes back
	}
	chance := func() bool { return eager || w.choose(3) > 0 }
	for _, n := range w.status.Namespaces {
		for _, s := range n.Shards {
			w.shard(s, chance)
		}
	}
	for _, id := range slices.Clone(w.status.Deleting) {
		if w.docs[id] != nil && chance() {
			w.docs[id] = &replication.Document{Version: 9, Status: replication.StatusDeleted}
		}
	}
	for id := range w.docs {
		if !slices.Contains(w.status.Deleting, id) && w.wanted(id) == nil {
			delete(w.docs, id)
		}
	}
}

func (w *world) wanted(id replication.ShardID) *Shard {
	for i := range w.status.Namespaces {
		for j := range w.status.Namespaces[i].Shards {
			if s := &w.status.Namespaces[i].Shards[j]; s.ID == id {
				return s
			}
		}
	}
	return nil
}

// shard lets a shard get on.
func (w *world) shard(s Shard, chance func() bool) {
	doc := w.docs[s.ID]
	if doc == nil {
		w.docs[s.ID] = documentOf(s.Ensemble)
		w.progress[s.ID] = w.now
		return
	}
	have := serversOf(doc)
	if !w.majority(have) {
		w.leaders[s.ID] = ""
		return
	}
	if leader := w.leaders[s.ID]; leader == "" || !w.servers[leader].Reachable || !slices.Contains(have, leader) {
		if !chance() {
			w.leaders[s.ID] = ""
			return
		}
		w.elect(s.ID, have)
	}
	if t, asked := w.transfers[s.ID]; asked && t.At.Add(w.options.TransferWithin).After(w.now) && slices.Contains(have, t.To) &&
		w.servers[t.To].Reachable && !w.stubborn[s.ID] && chance() {
		w.leaders[s.ID] = t.To
	}
	in := lacking(s.Ensemble, have)
	if slices.Equal(s.Ensemble, have) || w.stuck[s.ID] || !w.majority(s.Ensemble) ||
		slices.ContainsFunc(in, func(one replication.ServerID) bool { return !w.servers[one].Reachable }) || !chance() {
		return
	}
	removed := doc.Removed
	for _, m := range doc.Ensemble {
		if w.unsettled && !w.servers[m.Server].Reachable && !slices.Contains(s.Ensemble, m.Server) {
			removed = append(removed, m)
		}
	}
	w.docs[s.ID] = documentOf(s.Ensemble)
	w.docs[s.ID].Removed = removed
	w.progress[s.ID] = w.now
	if !slices.Contains(s.Ensemble, w.leaders[s.ID]) {
		w.elect(s.ID, s.Ensemble)
	}
}

func documentOf(servers []replication.ServerID) *replication.Document {
	doc := &replication.Document{Version: 1, Status: replication.StatusSteady}
	for i, name := range servers {
		doc.Ensemble = append(doc.Ensemble, replication.DocumentMember{
			Member: replication.Member{Server: name, Replica: replication.ReplicaID(i + 1)},
		})
	}
	return doc
}

// elect chooses some leader.
func (w *world) elect(id replication.ShardID, have []replication.ServerID) {
	there := slices.DeleteFunc(slices.Clone(have), func(s replication.ServerID) bool { return !w.servers[s].Reachable })
	w.leaders[id] = there[w.choose(len(there))]
}

// rest lets the cluster do all that is planned, until nothing more is. It fails if that
// takes too long.
func (w *world) rest() []Note {
	quiet := 0
	for round := range 2000 {
		d := w.plan()
		if len(d.Actions) == 0 && w.done() {
			// What waits for a time gets it.
			if quiet++; quiet > 60 {
				return d.Notes
			}
		} else {
			quiet = 0
		}
		w.pass(time.Duration(1+round%20)*time.Second, true)
	}
	w.t.Fatalf("it goes on for ever: %v", w.moves)
	return nil
}

func (w *world) done() bool {
	for _, n := range w.status.Namespaces {
		for _, s := range n.Shards {
			if w.docs[s.ID] == nil || !slices.Equal(serversOf(w.docs[s.ID]), s.Ensemble) {
				return false
			}
		}
	}
	return true
}

// spreadOf returns the least and the most of what servers that stay have.
func (w *world) spreadOf(count func(replication.ServerID) int) (least, most int, all string) {
	least = 1 << 30
	for _, s := range w.desired.Servers {
		name := replication.ServerID(s.GetName())
		if w.status.server(name).Draining || !w.servers[name].Reachable {
			continue
		}
		n := count(name)
		least, most = min(least, n), max(most, n)
		all += fmt.Sprintf(" %s:%d", name, n)
	}
	return least, most, all
}
