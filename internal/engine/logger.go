package engine

import (
	"fmt"
	"log/slog"
)

// Logger hands Pebble's messages to a structured logger. What Pebble calls information
// is of use only to somebody who debugs it.
type Logger struct {
	// Owner is the package whose database it is, for a panic's message.
	Owner string
	To    *slog.Logger
}

// Infof implements pebble.Logger.
func (l Logger) Infof(format string, args ...any) {
	l.To.Debug("storage engine", "message", fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (l Logger) Errorf(format string, args ...any) {
	l.To.Error("storage engine", "message", fmt.Sprintf(format, args...))
}

// Fatalf ends the process. Pebble calls it when it cannot tell what is on disk
// any more, as after a failed sync, and must not go on.
func (l Logger) Fatalf(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	l.To.Error("storage engine cannot go on", "message", message)
	panic(l.Owner + ": storage engine cannot go on: " + message)
}
