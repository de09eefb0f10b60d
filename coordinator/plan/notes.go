package plan

import (
	"fmt"
	"strings"
)

// obstacle is why a shard that needs a change cannot have it, for now.
type obstacle uint8

const (
	noObstacle obstacle = iota
	notBegun
	setAside
	leaderless
	noMajority
	noServer
)

// busy says why a shard is not free.
func (p *planning) busy(x *shardState) obstacle {
	switch {
	case !x.begun:
		return notBegun
	case p.aside(x):
		return setAside
	}
	return leaderless
}

// tell says it in words.
func (p *planning) tell(x *shardState, r *repair) string {
	switch r.obstacle {
	case notBegun:
		return "it has not begun yet"
	case setAside:
		return fmt.Sprintf("it is left alone for %v: %s", p.options.Quarantine, x.change.Reason)
	case leaderless:
		return "it has no leader, which alone can bring others up"
	case noMajority:
		return fmt.Sprintf("a majority of %s or of %s would be out of reach", p.list(x.have), p.list(replaced(x.wanted, r.out, r.in)))
	}
	return p.noServer(x, r.out)
}

// tally gathers obstacles, so that ten thousand shards that meet the same are one note.
type tally struct {
	order []met
	texts map[met]string
	count map[met]int
}

type met struct {
	namespace int
	kind      Kind
	obstacle  obstacle
}

func (t *tally) add(p *planning, x *shardState, kind Kind, r *repair) {
	if t.count == nil {
		t.count, t.texts = map[met]int{}, map[met]string{}
	}
	m := met{namespace: x.namespace, kind: kind, obstacle: r.obstacle}
	if t.count[m]++; t.count[m] == 1 {
		t.order = append(t.order, m)
		t.texts[m] = fmt.Sprintf("shard %d needs a change (%s) that cannot be made now: %s", x.id, kind, p.tell(x, r))
	}
}

func (t *tally) note(p *planning) {
	for _, m := range t.order {
		text := t.texts[m]
		if more := t.count[m] - 1; more > 0 {
			text += fmt.Sprintf("; so it is with %d other shards", more)
		}
		p.note("namespace "+p.picture.namespaces[m.namespace].name, "%s", text)
	}
}

// maxNamed is how many servers a note names.
const maxNamed = 3

// noServer says why there is no server for a replica.
func (p *planning) noServer(x *shardState, out int) string {
	n := &p.picture.namespaces[x.namespace]
	var apart int
	var unable []string
	for s := range p.picture.servers {
		server := &p.picture.servers[s]
		switch {
		case s == out, server.Removed:
		case server.noReplicas != "":
			unable = append(unable, fmt.Sprintf("%s: %s", server.Name, server.noReplicas))
		case clashes(n.strict, s, x.wanted, out) > 0:
			apart++
		}
	}
	text := "no other server can take a replica"
	if apart > 0 {
		text += fmt.Sprintf("; its anti-affinity (%s, strict) excludes %d: label more servers apart, or make it relaxed", labelsOf(n.strict), apart)
	}
	if more := len(unable) - maxNamed; more > 0 {
		unable = append(unable[:maxNamed], fmt.Sprintf("and %d others", more))
	}
	if len(unable) > 0 {
		text += "; " + strings.Join(unable, ", ")
	}
	return text
}

// labelsOf are the labels of some rules.
func labelsOf(rules []rule) string {
	var text []string
	for _, r := range rules {
		text = append(text, strings.Join(r.labels, "+"))
	}
	return strings.Join(text, ", ")
}
