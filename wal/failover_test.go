package wal

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// failing makes some operations on a directory fail, with an error.
func failing(mem vfs.FS, dir string, err *error, kinds ...errorfs.OpKind) vfs.FS {
	return errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		for _, kind := range kinds {
			if op.Kind == kind && strings.HasPrefix(op.Path, dir) {
				return *err
			}
		}
		return nil
	}))
}

// A batch that was written whole to the file whose sync failed, and then again to
// the other directory, is there once.
func TestABatchThatFailedIsWrittenElsewhereAndCountsOnce(t *testing.T) {
	mem := vfs.NewMem()
	var err error
	o := testOptions(failing(mem, "log", &err, errorfs.OpFileSyncData))
	o.FailoverDir = "other"
	l := openTest(t, o)
	s := newStory(l)
	s.append(1, 1, 2, 50)
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	err = syscall.EIO
	for range 3 {
		s.append(1, 1, 2, 50)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	if dir := l.segments[len(l.segments)-1].dir.path; len(l.segments) != 2 || dir != "other" {
		t.Errorf("%d segments, the last in %s", len(l.segments), dir)
	}
	mustClose(t, l)
	err = nil
	for range 2 {
		l = openTest(t, o)
		if _, err := s.found(l); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
	}
}

func TestWithoutAnotherDirectoryAnErrorIsFinal(t *testing.T) {
	mem := vfs.NewMem()
	var broken error
	o := testOptions(failing(mem, "log", &broken, errorfs.OpFileSyncData))
	l := openTest(t, o)
	l.Submit(1, termOf(1, 1))
	mustSync(t, l)
	broken = syscall.EIO
	l.Submit(1, termOf(2, 2))
	_, first := l.Sync()
	if !errors.Is(first, syscall.EIO) || !strings.Contains(first.Error(), "log") {
		t.Fatalf("syncing a broken file: %v", first)
	}
	broken = nil
	l.Submit(1, termOf(3, 3))
	if durable, again := l.Sync(); again != first || durable != nil {
		t.Errorf("after %v: %v, %v", first, durable, again)
	}
}

// With both directories broken, that is the end.
func TestTwoBrokenDirectoriesAreFinal(t *testing.T) {
	var broken error
	o := testOptions(failing(vfs.NewMem(), "", &broken, errorfs.OpFileWriteAt))
	o.FailoverDir = "other"
	l := openTest(t, o)
	broken = syscall.EIO
	l.Submit(1, termOf(1, 1))
	if _, err := l.Sync(); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "other") {
		t.Errorf("synced with %v", err)
	}
}

// One directory of two is half a log.
func TestThePairOfDirectoriesStaysTogether(t *testing.T) {
	made := func(t *testing.T) Options {
		o := testOptions(vfs.NewMem())
		o.FailoverDir = "other"
		l := openTest(t, o)
		l.Submit(1, termOf(1, 1))
		mustSync(t, l)
		mustClose(t, l)
		return o
	}
	t.Run("the other is not named", func(t *testing.T) {
		o := made(t)
		o.FailoverDir = ""
		var missing *OptionError
		if _, err := Open(o); !errors.As(err, &missing) || missing.Field != "FailoverDir" {
			t.Errorf("opened with %v", err)
		}
	})
	t.Run("the other was wiped", func(t *testing.T) {
		o := made(t)
		if err := o.FS.RemoveAll("other"); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptionError
		if _, err := Open(o); !errors.As(err, &corrupt) || !strings.HasPrefix(corrupt.File, "other") {
			t.Errorf("opened with %v", err)
		}
	})
	t.Run("the first was wiped", func(t *testing.T) {
		o := made(t)
		if err := o.FS.RemoveAll("log"); err != nil {
			t.Fatal(err)
		}
		o.Draw = func() uint64 { return 99 }
		var corrupt *CorruptionError
		if _, err := Open(o); !errors.As(err, &corrupt) || !strings.HasPrefix(corrupt.File, "other") {
			t.Errorf("opened with %v", err)
		}
	})
	t.Run("one is added later", func(t *testing.T) {
		o := testOptions(vfs.NewMem())
		l := openTest(t, o)
		l.Submit(1, termOf(1, 7))
		mustSync(t, l)
		mustClose(t, l)
		o.FailoverDir = "other"
		if term := recoveredOf(openTest(t, o), 1).Record.Term.Term; term != 7 {
			t.Errorf("found term %d", term)
		}
	})
}

// A disk without room for another segment is said to be low, while there is still
// room for what makes it emptier; and not any more when that was done.
func TestALowDiskStillTakesTrims(t *testing.T) {
	mem := vfs.NewMem()
	var full error
	o := testOptions(failing(mem, "log", &full, errorfs.OpFilePreallocate))
	l := openTest(t, o)
	s := newStory(l)
	for range 12 {
		s.append(1, 1, 1, 900)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	if l.Low() {
		t.Fatal("low too early")
	}
	full = syscall.ENOSPC
	for !l.Low() {
		s.append(1, 1, 1, 900)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	s.trimAll(1)
	full = nil
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	if l.Low() {
		t.Error("low for ever")
	}
	mustMatch(t, s)
}

// A disk that has room again, though not by the log's doing, is found out by the next
// Sync after a while, even if nothing waits for it.
func TestALowDiskIsLookedAtAgain(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	full := error(syscall.ENOSPC)
	looks := 0
	o := testOptions(errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFilePreallocate && strings.HasSuffix(op.Path, spareName) {
			looks++
			return full
		}
		return nil
	})))
	o.Now = func() time.Time { return now }
	l := openTest(t, o)
	l.Submit(1, termOf(1, 1))
	for range 3 {
		mustSync(t, l)
	}
	if !l.Low() || looks != 1 {
		t.Fatalf("low %v after %d looks", l.Low(), looks)
	}
	full, now = nil, now.Add(retrySpareEvery)
	if mustSync(t, l); l.Low() || looks != 2 {
		t.Errorf("low %v after %d looks", l.Low(), looks)
	}
}
