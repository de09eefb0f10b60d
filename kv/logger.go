package kv

import (
	"fmt"
	"log/slog"
)

// engineLogger hands Pebble's messages to a structured logger. What Pebble calls
// information is of use only to somebody who debugs it.
type engineLogger struct {
	to *slog.Logger
}

func (l engineLogger) Infof(format string, args ...any) {
	l.to.Debug("storage engine", "message", fmt.Sprintf(format, args...))
}

func (l engineLogger) Errorf(format string, args ...any) {
	l.to.Error("storage engine", "message", fmt.Sprintf(format, args...))
}

// Fatalf ends the process. Pebble calls it when it cannot tell what is on disk
// any more, as after a failed write of its manifest, and must not go on.
func (l engineLogger) Fatalf(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	l.to.Error("storage engine cannot go on", "message", message)
	panic("kv: storage engine cannot go on: " + message)
}
