package dependency

// filter chooses edges.
type filter func(Edge) bool

// components returns the strongly connected components of more than one node among those
// that are in, by Tarjan's algorithm (Depth-first search and linear graph algorithms,
// 1972), with a stack of our own, as histories are longer than goroutine stacks are deep.
func (g *Graph) components(in []int, use filter) [][]int {
	n := len(g.out)
	t := &tarjan{g: g, use: use, index: make([]int, n), low: make([]int, n), open: make([]bool, n)}
	for _, v := range in {
		t.index[v] = unvisited
	}
	for _, v := range in {
		if t.index[v] == unvisited {
			t.visit(v)
		}
	}
	return t.found
}

// The indexes of nodes that have none: those that are not in the search, and those
// that are yet to be visited.
const (
	outside   = 0
	unvisited = -1
)

type tarjan struct {
	g   *Graph
	use filter

	next  int
	index []int // order of first visits, from 1
	low   []int // smallest index known to be reachable
	open  []bool
	stack []int // nodes whose component is not known yet
	found [][]int
}

// frame is a call of the recursive algorithm: a node, and the edge it goes on with.
type frame struct{ node, edge int }

func (t *tarjan) enter(v int) frame {
	t.next++
	t.index[v], t.low[v] = t.next, t.next
	t.stack = append(t.stack, v)
	t.open[v] = true
	return frame{node: v}
}

func (t *tarjan) visit(root int) {
	calls := []frame{t.enter(root)}
	for len(calls) > 0 {
		top := &calls[len(calls)-1]
		v := top.node
		if top.edge < len(t.g.out[v]) {
			e := t.g.out[v][top.edge]
			top.edge++
			index := t.index[e.To]
			switch {
			case index == outside || !t.use(e):
			case index == unvisited:
				calls = append(calls, t.enter(e.To))
			case t.open[e.To]:
				t.low[v] = min(t.low[v], index)
			}
			continue
		}
		calls = calls[:len(calls)-1]
		if len(calls) > 0 {
			caller := calls[len(calls)-1].node
			t.low[caller] = min(t.low[caller], t.low[v])
		}
		if t.low[v] == t.index[v] {
			t.close(v)
		}
	}
}

// close takes the component of its first node v off the stack.
func (t *tarjan) close(v int) {
	for i := len(t.stack) - 1; ; i-- {
		t.open[t.stack[i]] = false
		if t.stack[i] != v {
			continue
		}
		if component := t.stack[i:]; len(component) > 1 {
			t.found = append(t.found, append([]int(nil), component...))
		}
		t.stack = t.stack[:i]
		return
	}
}
