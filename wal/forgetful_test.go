package wal

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// forgetful is a file system whose files do not outlive an error. A kernel may take
// the pages that it could not write for clean, and tell of that once: the next sync
// finds nothing to do. So after a write or a sync of a file, or the sync of a
// directory, that failed, every later one succeeds, and none does anything: a crash
// leaves what was synced before.
type forgetful struct {
	vfs.FS
	// failsAt is which write or sync fails, the first being zero; calls counts them.
	failsAt, calls int
	// brokenDirs are the directories whose sync failed.
	brokenDirs map[string]bool
	// believed counts the syncs that did nothing.
	believed int
}

var errForgotten = errors.New("what was not synced is forgotten")

// fails counts a call, and reports whether it is the one that fails.
func (f *forgetful) fails() bool {
	f.calls++
	return f.calls-1 == f.failsAt
}

// forgetfulFile is a file, or a directory, of which path is set.
type forgetfulFile struct {
	vfs.File
	on     *forgetful
	path   string
	broken bool
}

func (f *forgetful) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &forgetfulFile{File: file, on: f}, nil
}

func (f *forgetful) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.Create(name, category))
}

func (f *forgetful) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	return f.wrap(f.FS.OpenReadWrite(name, category, options...))
}

func (f *forgetful) OpenDir(name string) (vfs.File, error) {
	dir, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &forgetfulFile{File: dir, on: f, path: name, broken: f.brokenDirs[name]}, nil
}

func (f *forgetfulFile) Write(content []byte) (int, error) {
	if f.fail() {
		n, _ := f.File.Write(content[:len(content)/2])
		return n, errForgotten
	}
	return f.File.Write(content)
}

func (f *forgetfulFile) WriteAt(content []byte, at int64) (int, error) {
	if f.fail() {
		n, _ := f.File.WriteAt(content[:len(content)/2], at)
		return n, errForgotten
	}
	return f.File.WriteAt(content, at)
}

func (f *forgetfulFile) Sync() error { return f.sync(f.File.Sync) }

func (f *forgetfulFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *forgetfulFile) sync(do func() error) error {
	switch {
	case f.fail():
		return errForgotten
	case f.broken:
		f.on.believed++
		return nil
	}
	return do()
}

func (f *forgetfulFile) fail() bool {
	if !f.on.fails() {
		return false
	}
	f.broken = true
	if f.path != "" {
		f.on.brokenDirs[f.path] = true
	}
	return true
}

// After a write or a sync that failed, no later one of that file is believed: of
// what was reported, by then or later, nothing is gone after a crash.
func TestNothingIsReportedOfAFileThatFailed(t *testing.T) {
	for _, failover := range []string{"", "other"} {
		final, wentOn := 0, 0
		for at, more := 0, true; more; at++ {
			mem := vfs.NewCrashableMem()
			disk := &forgetful{FS: mem, failsAt: at, brokenDirs: map[string]bool{}}
			o := storyOptions(disk)
			o.FailoverDir = failover
			s, err := tellWithErrors(o)
			if more = at < disk.calls; more && err == nil {
				wentOn++
			}
			if err != nil {
				final++
				if !errors.Is(err, errForgotten) {
					t.Fatalf("call %d: %v", at, err)
				}
			}
			if s == nil {
				s = newStory(nil)
			}
			o.FS = mem.CrashClone(vfs.CrashCloneCfg{})
			checkCrash(t, s, o, at)
		}
		t.Logf("failover to %q: %d errors were final, and after %d it went on", failover, final, wentOn)
		if final == 0 || (failover != "") != (wentOn > 0) {
			t.Errorf("failover to %q: %d errors were final, and after %d it went on", failover, final, wentOn)
		}
	}
}

// A log that did believe the second sync would lose what it reported, on this file
// system.
func TestAForgetfulFileForgets(t *testing.T) {
	mem := vfs.NewCrashableMem()
	disk := &forgetful{FS: mem, failsAt: -1, brokenDirs: map[string]bool{}}
	l := openWith(t, testOptions(disk))
	s := newStory(l)
	s.append(1, 1, 2, 50)
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	file := l.segments[0].file
	disk.failsAt = disk.calls
	if err := file.SyncData(); !errors.Is(err, errForgotten) {
		t.Fatalf("synced with %v", err)
	}
	s.append(1, 1, 2, 50)
	if err := s.sync(); err != nil || disk.believed != 1 {
		t.Fatalf("synced with %v, %d were believed", err, disk.believed)
	}
	o := testOptions(mem.CrashClone(vfs.CrashCloneCfg{}))
	if offset := headOffset(openTest(t, o), 1); offset != 2 {
		t.Errorf("a crash leaves entries up to %d", offset)
	}
	mustClose(t, l)
}
