package process

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/ostraka-db/ostraka/internal/filewatch"
)

// NewLogger returns a logger that writes lines of text or of JSON from a level on:
// debug, info, warn or error. The level may be changed while it is used.
func NewLogger(out io.Writer, level string, asJSON bool) (*slog.Logger, *slog.LevelVar, error) {
	from := new(slog.LevelVar)
	if err := setLevel(from, level); err != nil {
		return nil, nil, err
	}
	options := &slog.HandlerOptions{Level: from}
	if asJSON {
		return slog.New(slog.NewJSONHandler(out, options)), from, nil
	}
	return slog.New(slog.NewTextHandler(out, options)), from, nil
}

func setLevel(of *slog.LevelVar, level string) error {
	switch strings.ToLower(level) {
	case "debug":
		of.Set(slog.LevelDebug)
	case "info":
		of.Set(slog.LevelInfo)
	case "warn", "warning":
		of.Set(slog.LevelWarn)
	case "error":
		of.Set(slog.LevelError)
	default:
		return fmt.Errorf("the log level is %q: must be debug, info, warn or error", level)
	}
	return nil
}

// LevelFile is a file of settings from which the level of a log is taken while a process
// runs.
type LevelFile struct {
	Path   string
	Level  *slog.LevelVar
	Logger *slog.Logger
	// Read reads the file: the level that it names, and whether another of its settings
	// is not what the process runs with. Its error names the file.
	Read func() (level string, others bool, err error)
}

// FollowLevel keeps a level at what a file says. Close of the watch ends it. A file that
// is wrong changes nothing; that, and settings that wait for the next start, is logged
// once for each state of the file.
func FollowLevel(f LevelFile) (*filewatch.Watch, error) {
	said := ""
	return filewatch.Start(f.Path, f.Logger, func() {
		level, others, err := f.Read()
		before := f.Level.Level()
		if err == nil {
			err = setLevel(f.Level, level)
		}
		state := fmt.Sprint(others, err)
		news := state != said
		said = state
		switch {
		case err != nil && news:
			f.Logger.Error("the file of settings is refused; the log level stays", "file", f.Path, "error", err)
		case others && news:
			f.Logger.Warn("settings other than the log level have changed; they take effect at the next start", "file", f.Path)
		}
		if now := f.Level.Level(); now != before {
			f.Logger.Log(context.Background(), max(now, before), "the log level is another", "level", now, "before", before)
		}
	})
}
