package dependency

// Kind says why one transaction precedes another.
type Kind uint8

// The kinds of edges.
const (
	WW Kind = 1 << iota
	WR
	RW
	RealTime
)

func (k Kind) String() string {
	switch k {
	case WW:
		return "ww"
	case WR:
		return "wr"
	case RW:
		return "rw"
	}
	return "rt"
}

// Edge says that From precedes To.
type Edge struct {
	From, To int
	Kind     Kind
	// ByClock marks an edge between versions whose order is known from real time only.
	ByClock bool
	// Key, and the versions of it that made the edge: Old is what From wrote or read,
	// New what To wrote or read. Real time has none.
	Key, Old, New int
}

// timeless tells whether the edge holds without a clock.
func (e Edge) timeless() bool { return e.Kind != RealTime && !e.ByClock }

// Graph is a set of edges between transactions 0 to n-1.
type Graph struct {
	out [][]Edge
}

// New makes a graph of n transactions.
func New(n int) *Graph { return &Graph{out: make([][]Edge, n)} }

// Add adds an edge. A transaction does not precede itself: such an edge is left out.
func (g *Graph) Add(e Edge) {
	if e.From != e.To {
		g.out[e.From] = append(g.out[e.From], e)
	}
}

// Edges is how many edges there are.
func (g *Graph) Edges() int {
	n := 0
	for _, out := range g.out {
		n += len(out)
	}
	return n
}
