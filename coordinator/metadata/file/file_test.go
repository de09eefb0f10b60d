package file

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/conformance"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, path string) metadata.Provider {
	t.Helper()
	p, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	conformance.Run(t, func(t *testing.T) func() metadata.Provider {
		path := filepath.Join(t.TempDir(), "status.json")
		return func() metadata.Provider { return open(t, path) }
	})
}

// A process that dies after any of its steps leaves the documents, and the lease, as
// they were or as they were to be.
func TestCrashes(t *testing.T) {
	conformance.RunCrashes(t, func(t *testing.T) conformance.Crashing {
		path := filepath.Join(t.TempDir(), "status.json")
		return conformance.Crashing{
			Open: func() metadata.Provider { return open(t, path) },
			Doomed: func(steps int) metadata.Provider {
				p := open(t, path).(*provider)
				p.files.allow = func(step string) error {
					if steps--; steps < 0 {
						return fmt.Errorf("%s: the process is dead", step)
					}
					return nil
				}
				return p
			},
		}
	})
}

// written returns the text of a file with a few documents, and its path.
func written(t *testing.T) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "status.json")
	p := open(t, path)
	for i := range 3 {
		errs := p.Update(t.Context(), []metadata.Change{
			{Key: fmt.Sprintf("shard/%d", i), Value: fmt.Appendf(nil, `{"term":%d,"members":["a","b"]}`, i)},
		})
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
	}
	if err := p.WriteLease(t.Context(), metadata.Lease{Holder: "a", Run: 7}, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, text
}

func refused(t *testing.T, path, want string) {
	t.Helper()
	p, err := Open(path, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = p.Close()
		t.Errorf("%s was accepted", path)
	} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("error %v, want in it the path and %q", err, want)
	}
}

// A file that ends anywhere before its end, or has another bit anywhere, is never
// taken for what was written.
func TestDamagedFileIsRefused(t *testing.T) {
	path, text := written(t)
	put := func(content []byte) {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for n := range len(text) - 1 { // without the newline at the end nothing is missing
		put(text[:n])
		refused(t, path, "is refused")
	}
	put(append([]byte{}, append(text, text...)...))
	refused(t, path, "something follows its end")
	for i := range text {
		damaged := append([]byte{}, text...)
		damaged[i] ^= 0x10
		s, err := packed.Parse(damaged)
		if err == nil && string(s.Render()) != string(text) {
			t.Errorf("byte %d differs, and it is read as\n%s", i, s.Render())
		}
	}
	put([]byte(strings.Replace(string(text), `"format":1`, `"format":2`, 1)))
	refused(t, path, "its format is 2")
	put([]byte(strings.Replace(string(text), `"term":1`, `"term":9`, 1)))
	refused(t, path, "remove the checksum")
}

func TestFileMayBeEditedWithoutItsChecksum(t *testing.T) {
	path, text := written(t)
	_, after, _ := strings.Cut(string(text), `"documents"`)
	edited := `{"format": 1, "documents"` + strings.Replace(after, `"term":1`, `"term": 9`, 1)
	if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	p := open(t, path)
	found, err := p.Read(t.Context(), []string{"shard/1"})
	if err != nil || string(found["shard/1"].Value) != `{"term":9,"members":["a","b"]}` {
		t.Errorf("read %s, %v", found["shard/1"].Value, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedLeaseIsRefused(t *testing.T) {
	path, _ := written(t)
	for _, content := range []string{"", "{", `{"version":0,"lease":{}}`} {
		if err := os.WriteFile(path+".lease", []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, path, "Stop all coordinators and remove the file")
	}
}

func TestMissingDirectoryIsNamed(t *testing.T) {
	refused(t, filepath.Join(t.TempDir(), "none", "status.json"), "is no directory; make it")
}

// A write that was under way in a crash leaves a temporary file, which nobody
// reads, and which goes when its process is gone.
func TestCrashDuringAWriteLeavesTheStateBefore(t *testing.T) {
	path, text := written(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	remains := map[string]bool{
		temporaryPath(path, dead.Process.Pid, 1):          false,
		temporaryPath(path+".lease", dead.Process.Pid, 1): false,
		temporaryPath(path, os.Getpid(), 1<<40):           true,
		path + ".backup.tmp":                              true,
	}
	for name := range remains {
		if err := os.WriteFile(name, text[:10], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, path)
	if found, err := p.List(t.Context(), ""); err != nil || len(found) != 3 {
		t.Errorf("%d documents, %v", len(found), err)
	}
	for name, stays := range remains {
		if _, err := os.Stat(name); (err == nil) != stays {
			t.Errorf("%s stays %v: %v", name, stays, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// What cannot be written is reported, and not seen by anybody.
func TestFailedWriteIsNotSeen(t *testing.T) {
	path, _ := written(t)
	p := open(t, path)
	// A directory in the place of the temporary file makes every write fail.
	blocked := temporaryPath(path, os.Getpid(), opened.Load())
	if err := os.Mkdir(blocked, 0o755); err != nil {
		t.Fatal(err)
	}
	change := metadata.Change{Key: "new", Value: []byte("1")}
	if err := p.Update(t.Context(), []metadata.Change{change})[0]; err == nil {
		t.Fatal("stored without a file")
	}
	if found, err := p.List(t.Context(), ""); err != nil || len(found) != 3 {
		t.Errorf("%d documents, %v", len(found), err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := p.Update(t.Context(), []metadata.Change{change})[0]; err != nil {
		t.Errorf("mended, and still %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// Updates that wait while another is written are one write.
func TestWaitingUpdatesAreWrittenTogether(t *testing.T) {
	const updates = 200
	// Without its goroutines, so that they do wait.
	p := &provider{path: filepath.Join(t.TempDir(), "status.json"), files: replacer{allow: everyStep}, waiting: make(chan *update, maxWaiting)}
	for i := range updates {
		p.waiting <- &update{
			changes: []metadata.Change{{Key: fmt.Sprint(i), Value: []byte("1")}}, done: make(chan struct{}),
		}
	}
	batch := p.takeWaiting(<-p.waiting)
	if len(batch) != updates {
		t.Fatalf("took %d of %d", len(batch), updates)
	}
	p.writeTogether(batch)
	for _, u := range batch {
		<-u.done
		if u.errs[0] != nil {
			t.Fatal(u.errs[0])
		}
	}
	if found, err := p.List(t.Context(), ""); err != nil || len(found) != updates {
		t.Errorf("%d documents, %v", len(found), err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, documents := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			p := open(b, filepath.Join(b.TempDir(), "status.json"))
			changes := make([]metadata.Change, documents)
			for i := range changes {
				changes[i] = metadata.Change{Key: fmt.Sprintf("shard/%d", i), Value: fmt.Appendf(nil, "%q", strings.Repeat("x", 400))}
			}
			if err := p.Update(b.Context(), changes)[0]; err != nil {
				b.Fatal(err)
			}
			version := int64(1)
			for b.Loop() {
				changes[0].Version = version
				if err := p.Update(b.Context(), changes[:1])[0]; err != nil {
					b.Fatal(err)
				}
				version++
			}
			if err := p.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
