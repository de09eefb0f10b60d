package raft

import (
	"context"
	"fmt"
	"log/slog"
)

// brokenError is why the library could not go on: what it holds for impossible has
// happened.
type brokenError struct{ message string }

func (e brokenError) Error() string { return e.message }

// libraryLogger hands the library's messages to a structured logger. What it calls
// information is of use only to somebody who debugs it: a member tells itself who leads.
type libraryLogger struct{ to *slog.Logger }

func (l libraryLogger) say(level slog.Level, v ...any) {
	l.to.Log(context.Background(), level, "raft", "message", fmt.Sprint(v...))
}

func (l libraryLogger) Debug(v ...any)                 { l.say(slog.LevelDebug, v...) }
func (l libraryLogger) Debugf(f string, v ...any)      { l.say(slog.LevelDebug, fmt.Sprintf(f, v...)) }
func (l libraryLogger) Info(v ...any)                  { l.say(slog.LevelDebug, v...) }
func (l libraryLogger) Infof(f string, v ...any)       { l.say(slog.LevelDebug, fmt.Sprintf(f, v...)) }
func (l libraryLogger) Warning(v ...any)               { l.say(slog.LevelWarn, v...) }
func (l libraryLogger) Warningf(f string, v ...any)    { l.say(slog.LevelWarn, fmt.Sprintf(f, v...)) }
func (l libraryLogger) Error(v ...any)                 { l.say(slog.LevelError, v...) }
func (l libraryLogger) Errorf(f string, v ...any)      { l.say(slog.LevelError, fmt.Sprintf(f, v...)) }
func (l libraryLogger) Fatal(v ...any)                 { panic(brokenError{fmt.Sprint(v...)}) }
func (l libraryLogger) Fatalf(format string, v ...any) { panic(brokenError{fmt.Sprintf(format, v...)}) }
func (l libraryLogger) Panic(v ...any)                 { panic(brokenError{fmt.Sprint(v...)}) }
func (l libraryLogger) Panicf(format string, v ...any) { panic(brokenError{fmt.Sprintf(format, v...)}) }
