package maelstrom

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/tla/trace"
)

// recorder writes every step of a run to a file, for the specification to be asked
// about it. Traces that are lost harm nobody but their reader: the node goes on.
type recorder struct {
	run    replication.RunID
	writer *trace.Writer
	next   replication.Tracer
}

// Trace implements replication.Tracer.
func (r *recorder) Trace(s replication.TraceStep) {
	r.writer.Step(r.run, s)
	if r.next != nil {
		r.next.Trace(s)
	}
}

// machineTime is what all processes of a machine agree on, as long as nobody sets
// its clock: then a trace may be refused that is right, and no more.
func machineTime() int64 { return time.Now().UnixNano() }

// openRecorder begins the trace of a run in a directory, in which each run has a file
// of its own.
func openRecorder(dir string, self replication.Server, next replication.Tracer) (*recorder, io.Closer, error) {
	name := fmt.Sprintf("%s-%d.trace", self.ID, self.Run)
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, nil, fmt.Errorf("write a trace: %w", err)
	}
	return &recorder{run: self.Run, writer: trace.NewWriter(f, machineTime), next: next}, f, nil
}

// tracer logs what the replica and the election do, if anybody wants to read it:
// elections whole, and of a replica the steps that changed its role or term.
type tracer struct {
	logger *slog.Logger
	role   replication.Role
	term   replication.TermID
	phase  string
}

// newTracer returns nil, which costs nothing, unless debug lines are logged.
func newTracer(logger *slog.Logger) replication.Tracer {
	if !logger.Enabled(context.Background(), slog.LevelDebug) {
		return nil
	}
	return &tracer{logger: logger}
}

// Trace implements replication.Tracer.
func (t *tracer) Trace(s replication.TraceStep) {
	switch {
	case s.Replica != nil && (s.Replica.Role != t.role || s.Replica.Term != t.term):
		t.role, t.term = s.Replica.Role, s.Replica.Term
		t.logger.Debug("replica", "event", eventText(s.Event), "state", s.Replica.String())
	case s.Election != nil:
		if _, tick := s.Event.(replication.Tick); tick && s.Election.Phase == t.phase {
			return
		}
		t.phase = s.Election.Phase
		doc := s.Election.Document
		t.logger.Debug("election", "event", eventText(s.Event), "phase", t.phase, "mine", s.Election.Mine,
			"document", fmt.Sprintf("v%d %v %v", doc.Version, doc.Term, doc.Status), "leader", doc.Leader)
	}
}

func eventText(ev replication.Event) string {
	if receive, ok := ev.(replication.Receive); ok {
		return fmt.Sprintf("%T from %s %+v", receive.Envelope.Message, receive.Envelope.From, receive.Envelope.Message)
	}
	return fmt.Sprintf("%T %+v", ev, ev)
}
