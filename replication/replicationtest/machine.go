package replicationtest

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/replication"
)

// state is what a state machine holds of a shard: registers, as of an entry. It
// is never changed; applying makes another.
type state struct {
	last      replication.EntryID
	registers map[string]string
	// check is the newest, at a multiple of the cluster's distance.
	check replication.Check
}

// after returns the state after entries that follow it. A payload "x=1" sets x.
func (s state) after(entries []replication.Entry, checkEvery int) state {
	next := state{last: s.last, registers: maps.Clone(s.registers), check: s.check}
	if next.registers == nil {
		next.registers = map[string]string{}
	}
	for _, e := range entries {
		if e.ID.Offset != next.last.Offset+1 {
			panic(fmt.Sprintf("machine: %v is applied after %v", e.ID, next.last))
		}
		next.last = e.ID
		if name, value, ok := strings.Cut(string(e.Payload), "="); ok {
			next.registers[name] = value
		}
		if checkEvery > 0 && e.ID.Offset%replication.Offset(checkEvery) == 0 {
			sum := fnv.New64a()
			_, _ = io.WriteString(sum, next.text())
			next.check = replication.Check{Offset: e.ID.Offset, Sum: sum.Sum64()}
		}
	}
	return next
}

// with returns the state with another value in a register.
func (s state) with(name, value string) state {
	s.registers = maps.Clone(s.registers)
	s.registers[name] = value
	return s
}

// text is the registers as a snapshot carries them.
func (s state) text() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(s.registers)) {
		words = append(words, name+"="+s.registers[name])
	}
	return strings.Join(words, " ")
}

func parseState(last replication.EntryID, text string) state {
	s := state{last: last, registers: map[string]string{}}
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		s.registers[name] = value
	}
	return s
}

// machine is one run of a server's state machine. What it applied is in memory;
// the cluster decides what of it is flushed.
type machine struct {
	server *server
	state  state
	// calls are those of Apply, Import and Delete without an answer, in order.
	calls   []machineCall
	exports []replication.ExportAsk
	queries []queryCall
	// open are the snapshots that parts may be asked of, incoming is the one that
	// arrives.
	open     map[replication.EntryID]string
	incoming snapshot
	// stalled keeps calls from being carried out; spoiled makes the next snapshot
	// turn out to be damaged when it is complete.
	stalled, spoiled bool
	// broken makes all calls fail until the state is dropped.
	broken bool
}

// snapshot is one that is incomplete.
type snapshot struct {
	last replication.EntryID
	data []byte
}

// machineCall is a call of Delete, or of Import if part is set, or of Apply.
type machineCall struct {
	entries []replication.Entry
	part    *replication.SnapshotPart
	remove  bool
}

type queryCall struct {
	id  replication.QueryID
	key string
}

func newMachine(s *server) *machine {
	return &machine{server: s, state: s.disk.shard(Shard).flushed, open: map[replication.EntryID]string{}}
}

// Apply implements replication.StateMachine.
func (m *machine) Apply(_ replication.ShardID, entries []replication.Entry) {
	m.calls = append(m.calls, machineCall{entries: entries})
}

// Import implements replication.StateMachine.
func (m *machine) Import(_ replication.ShardID, part replication.SnapshotPart) {
	m.calls = append(m.calls, machineCall{part: &part})
}

// Export implements replication.StateMachine.
func (m *machine) Export(_ replication.ShardID, ask replication.ExportAsk) {
	m.exports = append(m.exports, ask)
}

// Delete implements replication.StateMachine.
func (m *machine) Delete(replication.ShardID) {
	m.calls = append(m.calls, machineCall{remove: true})
}

// Query implements replication.StateMachine: the body "x" reads x.
func (m *machine) Query(_ replication.ShardID, id replication.QueryID, body []byte) {
	m.queries = append(m.queries, queryCall{id, string(body)})
}

// work carries out every call and tells the node, and reports whether there was
// any.
func (m *machine) work() bool {
	if m.stalled {
		return false
	}
	calls, exports, queries := m.calls, m.exports, m.queries
	m.calls, m.exports, m.queries = nil, nil, nil
	// What was asked before a Delete is answered first.
	for _, ask := range exports {
		m.server.node.Complete(Shard, m.export(ask))
	}
	if m.broken {
		asked := len(calls) + len(queries)
		calls = slices.DeleteFunc(calls, func(c machineCall) bool { return !c.remove })
		queries = nil
		if asked > len(calls) {
			m.server.cluster.logf("%s finds its state broken", m.server.id)
			m.server.node.Complete(Shard, replication.StateLost{})
		}
	}
	for _, q := range queries {
		m.server.node.Answered(q.id, []byte(m.value(q.key)))
	}
	for _, c := range calls {
		switch {
		case c.remove:
			m.remove()
		case c.part != nil:
			m.server.node.Complete(Shard, m.take(*c.part))
		default:
			m.apply(c.entries)
		}
	}
	return len(calls)+len(exports)+len(queries) > 0
}

func (m *machine) apply(entries []replication.Entry) {
	s := m.server
	m.state = m.state.after(entries, s.cluster.checkEvery)
	if !s.cluster.lazyFlush {
		m.flush()
	}
	s.cluster.Invariants.reached(s.id, m.state)
	s.cluster.logf("%s applies %s", s.id, offsets(entries))
	s.node.Complete(Shard, replication.Applied{
		Results: make([][]byte, len(entries)), Check: m.state.check,
	})
}

// remove drops everything, durably.
func (m *machine) remove() {
	m.state, m.incoming, m.broken = state{}, snapshot{}, false
	delete(m.server.cluster.Invariants.astray, m.server.id)
	clear(m.open)
	m.flush()
	m.server.node.Complete(Shard, replication.Deleted{})
}

// flush makes the state durable as it is.
func (m *machine) flush() { m.server.disk.shard(Shard).flushed = m.state }

// take takes a part of a snapshot, and installs it with the final one.
func (m *machine) take(part replication.SnapshotPart) replication.Imported {
	in := &m.incoming
	if part.Position == 0 {
		*in = snapshot{last: part.Last}
	}
	if in.last != part.Last || int(part.Position) != len(in.data) {
		panic(fmt.Sprintf("machine: part of %v at %d, kept are %d of %v", part.Last, part.Position, len(in.data), in.last))
	}
	in.data = append(in.data, part.Data...)
	kept := int64(len(in.data))
	if !part.Final {
		return replication.Imported{Last: part.Last, Position: kept}
	}
	installed := parseState(part.Last, string(in.data))
	*in = snapshot{}
	s := m.server
	if m.spoiled {
		m.spoiled = false
		s.cluster.logf("%s finds the snapshot %v damaged", s.id, part.Last)
		return replication.Imported{Last: part.Last}
	}
	m.state = installed
	delete(s.cluster.Invariants.astray, s.id)
	s.cluster.installs++
	m.flush()
	s.cluster.Invariants.reached(s.id, m.state)
	s.cluster.logf("%s installs %v: %s", s.id, part.Last, m.state.text())
	return replication.Imported{Last: part.Last, Position: kept, Installed: true}
}

// export cuts a part out of a snapshot.
func (m *machine) export(ask replication.ExportAsk) replication.Exported {
	last := ask.Last
	if last == (replication.EntryID{}) {
		last = m.state.last
		m.open[last] = m.state.text()
	}
	text, open := m.open[last]
	if !open || int(ask.Position) > len(text) {
		return replication.Exported{ID: ask.ID, Gone: true}
	}
	rest := text[ask.Position:]
	data := rest[:min(len(rest), ask.MaxBytes)]
	return replication.Exported{ID: ask.ID, Part: replication.SnapshotPart{
		Last: last, Position: ask.Position, Data: []byte(data), Final: len(data) == len(rest),
	}}
}

// value reads a register.
func (m *machine) value(key string) string {
	if value, set := m.state.registers[key]; set {
		return value
	}
	return absent
}
