package workload

import "github.com/ostraka-db/ostraka/internal/history"

// Pool knows which threads are free and which process each one runs. Thread i talks
// to node i modulo the number of nodes, whatever process it runs.
type Pool struct {
	processes []history.Process
	free      []bool
	next      int // where the search for a free thread starts
}

// NewPool returns a pool of free threads, each running the process of its own number.
func NewPool(threads int) *Pool {
	p := &Pool{processes: make([]history.Process, threads), free: make([]bool, threads)}
	for i := range threads {
		p.processes[i], p.free[i] = history.Process(i), true
	}
	return p
}

// Free finds a free thread in [from, to). The search starts one thread further with
// each operation, so that no thread gets all of them.
func (p *Pool) Free(from, to int) (thread int, ok bool) {
	for t := max(from, p.next); t < to; t++ {
		if p.free[t] {
			return t, true
		}
	}
	for t := from; t < min(to, p.next); t++ {
		if p.free[t] {
			return t, true
		}
	}
	return 0, false
}

// Process returns the process that a thread runs.
func (p *Pool) Process(thread int) history.Process { return p.processes[thread] }

// Processes returns the processes of the threads in [from, to), busy or not.
func (p *Pool) Processes(from, to int) []history.Process { return p.processes[from:to] }

// Busy marks a thread as busy.
func (p *Pool) Busy(thread int) {
	p.free[thread] = false
	p.next = (p.next + 1) % (len(p.free) + 1) // Jepsen's nemesis is a thread, too
}

// Done marks a thread as free. If its operation ended unknown, the thread goes on as
// a new process, because the old one is still waiting.
func (p *Pool) Done(thread int, outcome history.Type) {
	p.free[thread] = true
	if outcome == history.Info {
		p.processes[thread] += history.Process(len(p.processes))
	}
}
