package wal

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

func TestADirectoryHasOneUser(t *testing.T) {
	for name, o := range map[string]Options{
		"in memory": testOptions(vfs.NewMem()),
		"on disk":   {FS: vfs.Default, Dir: filepath.Join(t.TempDir(), "log")},
	} {
		t.Run(name, func(t *testing.T) {
			l := openTest(t, o)
			var locked *LockedError
			if _, err := Open(o); !errors.As(err, &locked) || locked.Path != o.Dir || locked.Unwrap() == nil {
				t.Fatalf("opening it twice: %v", err)
			}
			mustClose(t, l)
			openTest(t, o)
		})
	}
}

func TestAnIncarnationLastsAsLongAsItsDirectory(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.Dir, o.Draw = "a/b/c", nil
	l := openTest(t, o)
	first := l.Incarnation()
	l.Submit(1, termOf(1, 1))
	mustSync(t, l)
	mustClose(t, l)
	l = openTest(t, o)
	if l.Incarnation() != first || first == 0 {
		t.Errorf("incarnation %x after %x", l.Incarnation(), first)
	}
	mustClose(t, l)
	if err := o.FS.RemoveAll(o.Dir); err != nil {
		t.Fatal(err)
	}
	if second := openTest(t, o).Incarnation(); second == first {
		t.Errorf("a wiped directory has incarnation %x again", second)
	}
}

func TestAnIncarnationIsNoneThatMeansSomething(t *testing.T) {
	o := testOptions(vfs.NewMem())
	drawn := []uint64{0, uint64(replication.NoDisk), 0, 12}
	o.Draw = func() uint64 {
		v := drawn[0]
		drawn = drawn[1:]
		return v
	}
	if l := openTest(t, o); l.Incarnation() != 12 || len(drawn) > 0 {
		t.Errorf("incarnation %x, with %x not drawn", l.Incarnation(), drawn)
	}
}

func TestRunsAscend(t *testing.T) {
	o := testOptions(vfs.NewMem())
	var last replication.RunID
	for range 5 {
		l := openTest(t, o)
		if l.Run() <= last {
			t.Errorf("run %d after %d", l.Run(), last)
		}
		last = l.Run()
		mustClose(t, l)
	}
	// A clock that went back changes nothing.
	o.Now = func() time.Time { return time.Unix(1, 0) }
	if run := openTest(t, o).Run(); run != last+1 {
		t.Errorf("run %d after %d with the clock at 1970", run, last)
	}
}

func TestAnIncarnationThatIsDamagedOrGoneIsCorruption(t *testing.T) {
	for name, harm := range map[string]func(o Options, path string) error{
		"gone":  func(o Options, path string) error { return o.FS.Remove(path) },
		"short": func(o Options, path string) error { return overwrite(o.FS, path, make([]byte, 5)) },
		"other": func(o Options, path string) error { return overwrite(o.FS, path, make([]byte, numberBytes)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(vfs.NewMem())
			l := openTest(t, o)
			l.Submit(1, termOf(1, 1))
			mustSync(t, l)
			mustClose(t, l)
			path := "log/" + incarnationName
			if err := harm(o, path); err != nil {
				t.Fatal(err)
			}
			var corrupt *CorruptionError
			if _, err := Open(o); !errors.As(err, &corrupt) || corrupt.File != path {
				t.Errorf("opened with %v", err)
			}
		})
	}
}

// overwrite replaces a file.
func overwrite(on vfs.FS, path string, content []byte) error {
	f, err := on.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(bytes.Clone(content)) // a file system may change what it is given
	return errors.Join(err, f.Sync(), f.Close())
}

func TestASegmentOfAnotherFormatIsRefused(t *testing.T) {
	o := testOptions(vfs.NewMem())
	l := openTest(t, o)
	l.Submit(1, termOf(1, 1))
	mustSync(t, l)
	mustClose(t, l)
	header := appendSegmentHeader(nil, 2, l.Incarnation())
	copy(header, "ostraka seg 0009")
	header = header[:len(header)-4]
	sum := checksum(header)
	header = append(header, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
	path := "log/" + segmentName(2)
	if err := overwrite(o.FS, path, header); err != nil {
		t.Fatal(err)
	}
	var version *VersionError
	if _, err := Open(o); !errors.As(err, &version) || version.File != path || version.Format != "ostraka seg 0009" {
		t.Errorf("opened with %v", err)
	}
}

// Real files are read and written as those in memory are.
func TestALogOnARealDisk(t *testing.T) {
	o := testOptions(vfs.Default)
	o.Dir = filepath.Join(t.TempDir(), "deep", "log")
	want := fill(t, openTest(t, o), 1, 60)
	l := openTest(t, o)
	if got := entriesOf(l, 1); !reflect.DeepEqual(got, want) {
		t.Errorf("found %d entries, want %d", len(got), len(want))
	}
	if len(l.segments) < 3 {
		t.Errorf("%d segments", len(l.segments))
	}
	if _, err := o.FS.Stat(filepath.Join(o.Dir, spareName)); errors.Is(err, fs.ErrNotExist) {
		t.Error("no spare segment")
	}
}

// fill appends entries of 100 bytes to a shard, one in each batch, and closes the
// log.
func fill(t failer, l *Log, shard replication.ShardID, n int64) []replication.Entry {
	t.Helper()
	var entries []replication.Entry
	l.Submit(shard, termOf(1, 1))
	for i := range n {
		payload := make([]byte, 100)
		for j := range payload {
			payload[j] = byte(i + 1)
		}
		entries = append(entries, entry(1, i+1, string(payload)))
		l.Submit(shard, appendOf(uint64(i+2), entries[i]))
		mustSync(t, l)
	}
	mustClose(t, l)
	return entries
}
