package filewatch

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what comes within milliseconds unless something is broken. It is less
// than Every, so that an event is what is waited for.
const patience = Every - time.Second

func TestChangesAreNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	changed := make(chan struct{}, 100)
	w, err := Start(path, slog.New(slog.DiscardHandler), func() { changed <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for what, change := range map[string]func() error{
		"a write":       func() error { return os.WriteFile(path, []byte("a"), 0o600) },
		"a replacement": func() error { return replace(path, "b") },
		"a removal":     func() error { return os.Remove(path) },
	} {
		if _, err := os.Stat(path); err != nil {
			// Whatever comes first finds a file.
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			<-changed
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		case <-time.After(patience):
			t.Errorf("%s was not noticed", what)
		}
	}
}

func replace(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func TestWatchOfNothingIsAnError(t *testing.T) {
	if _, err := Start(filepath.Join(t.TempDir(), "no", "file"), slog.New(slog.DiscardHandler), func() {}); err == nil {
		t.Error("a directory that is not there is watched")
	}
}
