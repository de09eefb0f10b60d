package trace

import (
	"fmt"
	"strings"

	"github.com/ostraka-db/ostraka/replication"
)

// names are the specification's names for what a trace speaks of: replicas are
// strings, coordinators and values are numbered in the order of their appearance.
type names struct {
	// owners are the coordinators whose compare-and-set was to make a term. A term
	// that nobody claimed was made up by a script: its election id is its owner.
	owners       map[replication.TermID]runKey
	coordinators map[runKey]string
	values       map[entryKey]int
	highest      replication.Term
	proposals    int
}

// runKey is one run of a server's coordinator, which makes a number once, or the
// hand of a script by its election id.
type runKey struct {
	server replication.ServerID
	run    replication.RunID
	hand   replication.ElectionID
}

type entryKey struct {
	id      replication.EntryID
	payload string
}

// unknownValue stands for a payload that nobody proposed under its entry's id.
const unknownValue = 999_999

func newNames() *names {
	return &names{
		owners: map[replication.TermID]runKey{}, coordinators: map[runKey]string{}, values: map[entryKey]int{},
	}
}

func memberName(m replication.Member) string {
	if m == (replication.Member{}) {
		return "none"
	}
	return fmt.Sprintf("%s#%d", m.Server, m.Replica)
}

func (n *names) coordinator(key runKey) string {
	name, known := n.coordinators[key]
	if !known {
		name = fmt.Sprintf("c%d", len(n.coordinators)+1)
		n.coordinators[key] = name
	}
	return name
}

// owner returns who made a term, and whether that was a script's hand.
func (n *names) owner(t replication.TermID) (runKey, bool) {
	if key, claimed := n.owners[t]; claimed {
		return key, false
	}
	return runKey{hand: t.Election}, true
}

func (n *names) term(t replication.TermID) value {
	if t.Term == 0 {
		return `[n |-> 0, c |-> "none"]`
	}
	n.highest = max(n.highest, t.Term)
	key, _ := n.owner(t)
	return record(field{"n", number(t.Term)}, field{"c", text(n.coordinator(key))})
}

// proposed numbers the next proposal.
func (n *names) proposed(e replication.Entry) int {
	n.proposals++
	n.values[entryKey{e.ID, string(e.Payload)}] = n.proposals
	return n.proposals
}

func (n *names) barrier(e replication.Entry) { n.values[entryKey{e.ID, string(e.Payload)}] = 0 }

// entries are pairs of a term and a value.
func (n *names) entries(entries []replication.Entry) value {
	pairs := make([]value, len(entries))
	for i, e := range entries {
		v, known := n.values[entryKey{e.ID, string(e.Payload)}]
		if !known {
			v = unknownValue
		}
		pairs[i] = tuple(number(e.ID.Term), number(v))
	}
	return tuple(pairs...)
}

func (n *names) document(d *replication.Document) value {
	return record(
		field{"ver", number(d.Version)}, field{"term", n.term(d.Term)},
		field{"steady", boolean(d.Status == replication.StatusSteady)}, field{"leader", text(memberName(d.Leader))},
		field{"ens", documentMembers(d.Ensemble)}, field{"join", documentMembers(d.Joining)},
		field{"learn", documentMembers(d.Learners)}, field{"removed", documentMembers(d.Removed)},
	)
}

// choice is what BecomeLeader says to a replica.
func (n *names) choice(m replication.BecomeLeader, to replication.Member) value {
	config := record(field{"ens", members(m.Ensemble)}, field{"join", members(m.Joining)})
	return record(field{"t", n.term(m.Term)}, field{"r", text(memberName(to))}, field{"cfg", config}, field{"learn", members(m.Learners)})
}

func (n *names) fenceAnswer(t replication.TermID, of replication.Member, head replication.EntryID) value {
	return record(field{"t", n.term(t)}, field{"r", text(memberName(of))}, field{"head", entryID(head)})
}

// value is an expression of TLA+.
type value string

type field struct {
	name string
	value
}

func number[N ~int | ~int64 | ~uint64](n N) value { return value(fmt.Sprint(n)) }

func text(s string) value { return value(`"` + s + `"`) }

func boolean(b bool) value { return value(strings.ToUpper(fmt.Sprint(b))) }

func record(fields ...field) value {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.name + " |-> " + string(f.value)
	}
	return value("[" + strings.Join(parts, ", ") + "]")
}

func tuple(values ...value) value { return "<<" + join(values) + ">>" }

func set(values ...value) value { return "{" + join(values) + "}" }

func join(values []value) value {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = string(v)
	}
	return value(strings.Join(parts, ", "))
}

func entryID(id replication.EntryID) value {
	return record(field{"t", number(id.Term)}, field{"o", number(id.Offset)})
}

func members(list []replication.Member) value {
	var names []value
	for _, m := range list {
		names = append(names, text(memberName(m)))
	}
	return set(names...)
}

func documentMembers(list []replication.DocumentMember) value {
	var bare []replication.Member
	for _, m := range list {
		bare = append(bare, m.Member)
	}
	return members(bare)
}
