package maelstrom

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/ostraka-db/ostraka/replication"
)

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
