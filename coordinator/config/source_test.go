package config

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
)

const (
	oneServer  = "servers:\n- {name: a, public: \"a:1\", internal: \"a:2\"}\n"
	twoServers = oneServer + "- {name: b, public: \"b:1\", internal: \"b:2\"}\n"
	// patience is for what comes within milliseconds unless something is broken.
	patience = 10 * time.Second
)

func openFile(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func waitForServers(t *testing.T, f *File, want int) {
	t.Helper()
	select {
	case <-f.Changed():
	case <-time.After(patience):
		t.Fatal("the change was not noticed")
	}
	if got := len(f.Current().GetServers()); got != want {
		t.Fatalf("%d servers, want %d", got, want)
	}
}

func TestFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	writeFile(t, path, oneServer)
	f := openFile(t, path)
	writeFile(t, path, twoServers)
	waitForServers(t, f, 2)

	other := path + ".new"
	writeFile(t, other, oneServer)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	waitForServers(t, f, 1)
}

// Kubernetes links the file to ..data/cluster.yaml, and swaps ..data.
func TestSwappedDirectoryIsFollowed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"..one": oneServer, "..two": twoServers} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name, "cluster.yaml"), text)
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..one", "..data")
	link("..data/cluster.yaml", "cluster.yaml")
	f := openFile(t, filepath.Join(dir, "cluster.yaml"))
	link("..two", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	waitForServers(t, f, 2)
}

func TestBadFileChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	writeFile(t, path, oneServer)
	f := openFile(t, path)
	for _, bad := range []string{"servers: 3\n", "", "\n\n"} {
		writeFile(t, path, bad)
		f.Look(t.Context())
		if len(f.Current().GetServers()) != 1 {
			t.Fatalf("%q is in force", bad)
		}
		if f.Problem() == nil {
			t.Fatalf("%q is not reported", bad)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.Look(t.Context())
	if !errors.Is(f.Problem(), fs.ErrNotExist) {
		t.Fatalf("problem is %v", f.Problem())
	}
	err := f.Update(t.Context(), func(*api.ClusterConfiguration) error { return nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("updated a file that is not there: %v", err)
	}
	writeFile(t, path, oneServer)
	f.Look(t.Context())
	if f.Problem() != nil {
		t.Fatalf("mended, and still %v", f.Problem())
	}
}

func TestOpenRefusesABadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	if _, err := OpenFile(path, slog.New(slog.DiscardHandler)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	writeFile(t, path, "servers: 3\n")
	if _, err := OpenFile(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path+":1: servers") {
		t.Errorf("error is %v", err)
	}
}

func TestUpdateReplacesTheFile(t *testing.T) {
	dir := t.TempDir()
	target, path := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "cluster.yaml")
	writeFile(t, target, oneServer)
	if err := os.Symlink("real.yaml", path); err != nil {
		t.Fatal(err)
	}
	f := openFile(t, path)
	add := func(c *api.ClusterConfiguration) error {
		c.Servers = append(c.Servers, &api.DataServerIdentity{Public: "b:1", Internal: "b:2"})
		return nil
	}
	if err := f.Update(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	waitForServers(t, f, 2)
	text, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Parse(target, text); err != nil || len(c.GetServers()) != 2 {
		t.Errorf("the file has %v, %v", c, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".cluster-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}

	var problems *Problems
	if err := f.Update(t.Context(), add); !errors.As(err, &problems) {
		t.Errorf("a second server of one address: %v", err)
	}
	refusal := errors.New("no")
	if err := f.Update(t.Context(), func(*api.ClusterConfiguration) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("error is %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Update(cancelled, add); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if len(f.Current().GetServers()) != 2 {
		t.Error("a refused update changed something")
	}
}

func TestUpdateDoesNotOverwriteWhatOthersWrote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	writeFile(t, path, oneServer)
	// Without its goroutine, so that it never looks by itself.
	f, err := NewText(t.Context(), Place{
		Name:  path,
		Read:  func(context.Context) ([]byte, error) { return read(path) },
		Write: func(_ context.Context, text []byte) error { return replace(path, text) },
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, twoServers)
	err = f.Update(t.Context(), func(*api.ClusterConfiguration) error { return nil })
	if !errors.Is(err, ErrChanged) {
		t.Errorf("error is %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != twoServers {
		t.Errorf("the file has %s", text)
	}
}

func TestFixedNeverChanges(t *testing.T) {
	if _, err := NewFixed(&api.ClusterConfiguration{AllowExtraAuthorities: []string{"x"}}); err == nil {
		t.Error("took what is not valid")
	}
	f, err := NewFixed(&api.ClusterConfiguration{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Update(t.Context(), nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("error is %v", err)
	}
}
