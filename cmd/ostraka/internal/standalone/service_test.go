package standalone

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func inDirectory(dir string) Options {
	return Options{
		PublicAddress: "127.0.0.1:0", DataDir: dir, CacheBytes: 8 << 20, LogRetention: time.Hour,
		Shards: 2, KeySorting: api.KeySortingHierarchical, Notifications: true, Logger: slog.New(slog.DiscardHandler),
	}
}

func inMemory() Options {
	o := inDirectory("")
	o.InMemory = true
	return o
}

// with runs a service, and do with a client of it.
func with(t *testing.T, o Options, do func(ctx context.Context, c *client.Client)) {
	t.Helper()
	service, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(t.Context(), service.PublicAddress())
	if err != nil {
		t.Fatal(err)
	}
	do(t.Context(), c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := service.Close(); err != nil {
		t.Error(err)
	}
	if service.Err() != nil {
		t.Error(service.Err())
	}
}

func put(t *testing.T, c *client.Client, key, value string) {
	t.Helper()
	if _, err := c.Put(t.Context(), key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func mustHave(t *testing.T, c *client.Client, key, value string) {
	t.Helper()
	if got, err := c.Get(t.Context(), key); err != nil || string(got.Value) != value {
		t.Errorf("%s: %q, %v; want %q", key, got.Value, err, value)
	}
}

// What was written is there after a restart, with other ports, and options about a
// namespace that is there already change nothing.
func TestARestartGoesOnFromTheData(t *testing.T) {
	o := inDirectory(filepath.Join(t.TempDir(), "data"))
	with(t, o, func(ctx context.Context, c *client.Client) {
		for _, key := range []string{"a", "b", "c", "d"} {
			put(t, c, key, "1"+key)
		}
	})
	o.Shards, o.KeySorting = 5, api.KeySortingNatural
	with(t, o, func(ctx context.Context, c *client.Client) {
		for _, key := range []string{"a", "b", "c", "d"} {
			mustHave(t, c, key, "1"+key)
			put(t, c, key, "2"+key)
			mustHave(t, c, key, "2"+key)
		}
	})
	text, err := os.ReadFile(filepath.Join(o.DataDir, configFile))
	if err != nil || !strings.Contains(string(text), "initialShardCount: 2") || !strings.Contains(string(text), "hierarchical") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTheLogMayBeElsewhere(t *testing.T) {
	dir := t.TempDir()
	o := inDirectory(filepath.Join(dir, "data"))
	o.LogDir = filepath.Join(dir, "log")
	for _, value := range []string{"1", "2"} {
		with(t, o, func(ctx context.Context, c *client.Client) { put(t, c, "a", value) })
	}
	if found, err := os.ReadDir(o.LogDir); err != nil || len(found) == 0 {
		t.Errorf("%v, %v: want the log", found, err)
	}
}

func TestInMemoryNothingIsLeft(t *testing.T) {
	t.Chdir(t.TempDir())
	for range 2 {
		with(t, inMemory(), func(ctx context.Context, c *client.Client) {
			if _, err := c.Get(ctx, "a"); !errors.Is(err, client.ErrKeyNotFound) {
				t.Errorf("%v, want no record", err)
			}
			put(t, c, "a", "1")
			mustHave(t, c, "a", "1")
		})
	}
	if found, err := os.ReadDir("."); err != nil || len(found) > 0 {
		t.Errorf("%v, %v: want an empty directory", found, err)
	}
}

// A directory is one service's at a time.
func TestTwoServicesOnOneDirectory(t *testing.T) {
	o := inDirectory(t.TempDir())
	with(t, o, func(ctx context.Context, c *client.Client) {
		put(t, c, "a", "1")
		if second, err := Start(ctx, o); err == nil {
			second.Close()
			t.Error("a second service has started")
		} else if !strings.Contains(err.Error(), o.DataDir) {
			t.Errorf("%v: want the directory named", err)
		}
		mustHave(t, c, "a", "1")
		put(t, c, "a", "2")
	})
}

func TestAnAddressThatIsTaken(t *testing.T) {
	o := inMemory()
	with(t, o, func(ctx context.Context, c *client.Client) {
		first, err := Start(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		o.PublicAddress = first.PublicAddress()
		if _, err := Start(ctx, o); err == nil || !strings.Contains(err.Error(), o.PublicAddress) {
			t.Errorf("%v: want the address named", err)
		}
	})
}

// A start that is called off leaves nothing behind.
func TestAStartIsCalledOff(t *testing.T) {
	o := inDirectory(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was called off", err)
	}
	with(t, o, func(ctx context.Context, c *client.Client) { put(t, c, "a", "1") })
}

// A configuration that somebody wrote is kept as far as it is theirs, and one that is
// wrong is refused by its line.
func TestTheConfigurationIsTheOperators(t *testing.T) {
	o := inDirectory(t.TempDir())
	with(t, o, func(context.Context, *client.Client) {})
	path := filepath.Join(o.DataDir, configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	more := string(text) + "allowExtraAuthorities:\n  - db.example.com:6648\n"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(more)
	with(t, o, func(context.Context, *client.Client) {})
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "db.example.com:6648") {
		t.Errorf("%s, %v", text, err)
	}
	write("nonsense: 1\n")
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), configFile) || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v: want file and key named", err)
	}
	write(more)
	with(t, o, func(context.Context, *client.Client) {})
}

// Administration makes namespaces that outlive the process.
func TestNamespacesCanBeMade(t *testing.T) {
	o := inDirectory(t.TempDir())
	o.AdminAddress = "127.0.0.1:0"
	for _, value := range []string{"1", "2"} {
		service, err := Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if value == "1" {
			createNamespace(t, service.AdminAddress(), "orders")
		}
		var c *client.Client
		// The cluster follows what is wanted of it soon after the call.
		err = service.again(t.Context(), func() (err error) {
			c, err = client.New(t.Context(), service.PublicAddress(), client.WithNamespace("orders"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if value == "2" {
			mustHave(t, c, "a", "1")
		}
		put(t, c, "a", value)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	}
}

func createNamespace(t *testing.T, address, name string) {
	t.Helper()
	conn, err := dial.New(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = api.NewOxiaAdminClient(conn).CreateNamespace(t.Context(), &api.CreateNamespaceRequest{Namespace: &api.Namespace{
		Name: name, InitialShardCount: 2, ReplicationFactor: 1, KeySorting: api.KeySortingNatural,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAdvertisedAddresses(t *testing.T) {
	for listening, want := range map[string]string{
		"0.0.0.0:6648":       "localhost:6648",
		"[::]:6648":          "localhost:6648",
		":6648":              "localhost:6648",
		"127.0.0.1:6648":     "127.0.0.1:6648",
		"db.example.com:443": "db.example.com:443",
	} {
		if got := advertised(listening); got != want {
			t.Errorf("%s: %s, want %s", listening, got, want)
		}
	}
}
