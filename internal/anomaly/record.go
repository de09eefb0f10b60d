package anomaly

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/internal/dependency"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// txn is a transaction of the history.
type txn struct {
	did     transaction.Txn // what was asked; with what was found, if it succeeded
	node    string
	outcome history.Type
	begin   int // index of the invocation
	end     int // index of the completion; dependency.Never if it may still happen
	took    bool
}

// version is a value that a key had, or was to have.
type version struct{ key, value int }

// origin is where a version comes from.
type origin struct {
	txn   int
	final bool // no later write of the same transaction replaced it
}

// sighting is what a transaction found in a key before it wrote to it: what others
// had left there.
type sighting struct {
	txn, key int
	found    []int
}

// last is the version that was seen.
func (s sighting) last() int {
	if len(s.found) == 0 {
		return transaction.Nothing
	}
	return s.found[len(s.found)-1]
}

// record is a history, as far as it is understood.
type record struct {
	txns      []txn
	origins   map[version]origin
	sightings []sighting
	graph     *dependency.Graph
	findings  map[string]*finding
}

func newRecord(ops []history.Operation) (*record, error) {
	r := &record{
		origins: make(map[version]origin), graph: dependency.New(len(ops)), findings: make(map[string]*finding),
	}
	for i, op := range ops {
		t := txn{
			did: op.Invoke.Value.(transaction.Txn), node: op.Invoke.Node, outcome: op.Outcome(),
			begin: op.Invoke.Index, end: dependency.Never,
		}
		if t.outcome == history.OK {
			t.did, t.end, t.took = op.Complete.Value.(transaction.Txn), op.Complete.Index, true
		}
		r.txns = append(r.txns, t)
		if err := r.addWrites(i); err != nil {
			return nil, err
		}
	}
	r.believeWhatWasSeen()
	return r, nil
}

func (r *record) addWrites(i int) error {
	latest := make(map[int]version)
	for _, s := range r.txns[i].did.Steps {
		if s.F == transaction.Read {
			continue
		}
		v := version{s.Key, s.Value}
		if by, taken := r.origins[v]; taken {
			return fmt.Errorf("value %d was to be written to key %d twice, in events %d and %d: nothing follows from a read of it",
				v.value, v.key, r.txns[by.txn].begin, r.txns[i].begin)
		}
		if before, ok := latest[s.Key]; ok {
			r.origins[before] = origin{i, false}
		}
		latest[s.Key] = v
		r.origins[v] = origin{i, true}
	}
	return nil
}

// believeWhatWasSeen settles unknown outcomes: who was seen, happened. Only reads of
// transactions that succeeded are known, so there is no need to look twice.
func (r *record) believeWhatWasSeen() {
	for _, t := range r.txns {
		if t.outcome != history.OK {
			continue
		}
		for _, s := range t.did.Steps {
			for _, value := range s.Found {
				if by, ok := r.origins[version{s.Key, value}]; ok && r.txns[by.txn].outcome == history.Info {
					r.txns[by.txn].took = true
				}
			}
		}
	}
}

// writer is who wrote a version, if that happened.
func (r *record) writer(key, value int) (int, bool) {
	by, ok := r.origins[version{key, value}]
	return by.txn, ok && r.txns[by.txn].took
}

// write is what a transaction did to a key.
type write struct {
	txn, key int
	values   []int // in the order of its steps
}

func (w write) last() int { return w.values[len(w.values)-1] }

// writes returns what transactions that happened wrote, in the order of the history.
func (r *record) writes() []write {
	var all []write
	for i, t := range r.txns {
		if !t.took {
			continue
		}
		at := len(all)
		for _, s := range t.did.Steps {
			if s.F == transaction.Read {
				continue
			}
			mine := slices.IndexFunc(all[at:], func(w write) bool { return w.key == s.Key })
			if mine < 0 {
				mine = len(all) - at
				all = append(all, write{txn: i, key: s.Key})
			}
			all[at+mine].values = append(all[at+mine].values, s.Value)
		}
	}
	return all
}

// add adds a dependency between versions of a key.
func (r *record) add(kind dependency.Kind, from, to, key, older, newer int, byClock bool) {
	r.graph.Add(dependency.Edge{From: from, To: to, Kind: kind, ByClock: byClock, Key: key, Old: older, New: newer})
}
