package trace

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/ostraka-db/ostraka/replication"
)

// Writer writes a trace, each line by one call of the io.Writer below it, so that
// what was written survives the death of the process. Its methods must be called
// by one goroutine at a time. An error of the io.Writer is kept (Err), and nothing
// is written after it: a trace without its end is one too.
type Writer struct {
	out   io.Writer
	clock func() int64
	err   error
}

// NewWriter returns a writer. The clock must never go back; writers whose traces
// are to be merged must read the same.
func NewWriter(out io.Writer, clock func() int64) *Writer { return &Writer{out: out, clock: clock} }

// Err returns the error that ended the writing, if there was one.
func (w *Writer) Err() error { return w.err }

// Open writes the beginning of a server's run in a shard.
func (w *Writer) Open(server replication.ServerID, run replication.RunID, shard replication.ShardID, found replication.Recovered) {
	opened := NewOpened(found)
	w.write(Line{Server: server, Run: run, Shard: shard, Opened: &opened})
}

// Step writes a step.
func (w *Writer) Step(run replication.RunID, s replication.TraceStep) {
	w.write(Line{
		Server: s.Server, Run: run, Shard: s.Shard, Event: s.Event, Effects: *s.Effects,
		Replica: s.Replica, Election: s.Election,
	})
}

func (w *Writer) write(l Line) {
	if w.err != nil {
		return
	}
	l.Time = w.clock()
	text, err := json.Marshal(l)
	if err != nil {
		w.err = fmt.Errorf("trace: encode a step: %w", err)
		return
	}
	if _, err := w.out.Write(append(text, '\n')); err != nil {
		w.err = fmt.Errorf("trace: write: %w", err)
	}
}
