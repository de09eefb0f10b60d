package explore

import (
	"fmt"
	"slices"
)

// tell writes actions down with what each caused: the messages sent and the
// states entered, indented. The lines are a script.
func (x *Explorer) tell(path []action) []string {
	var lines []string
	w := x.start
	for _, a := range path {
		lines = append(lines, x.text(a))
		found, broken := x.take(w, a)
		if broken != "" {
			return append(lines, "    BROKEN: "+broken)
		}
		lines = append(lines, x.difference(&w, &found)...)
		w = found
	}
	return lines
}

// take returns the world to which an action leads, and the law that it breaks.
func (x *Explorer) take(from world, a action) (to world, broken string) {
	taken := false
	x.expand(&from, func(b action, next *world, why string) {
		if b == a && !taken {
			taken, to, broken = true, *next, why
			to.net = slices.Clone(next.net)
			x.tellRecorder(x.landed)
		}
	})
	return to, broken
}

// end is the world to which a path leads.
func (x *Explorer) end(path []action) world {
	w := x.start
	for _, a := range path {
		w, _ = x.take(w, a)
	}
	return w
}

func (x *Explorer) difference(from, to *world) []string {
	var lines []string
	for i, s := range to.servers {
		if s != from.servers[i] {
			after := x.servers.things[s]
			lines = append(lines, fmt.Sprintf("    %v log=%v disk=%d", after.state, after.log, len(after.durable)))
		}
	}
	if to.doc != from.doc {
		lines = append(lines, fmt.Sprintf("    document %v", &x.documents.things[to.doc]))
	}
	for _, m := range to.net {
		if !slices.Contains(from.net, m) {
			lines = append(lines, "    sends "+x.messages.things[m].text)
		}
	}
	return lines
}
