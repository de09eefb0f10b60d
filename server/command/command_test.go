package command

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/internal/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parse takes a command line, with a file in the place of FILE, and returns what it
// comes to.
func parse(t *testing.T, file string, args ...string) (*settings, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "dataserver.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--sconfig", path)
	}
	s := defaults()
	c := New("test")
	if err := c.ParseFlags(args); err != nil {
		return nil, err
	}
	path, _ := c.Flags().GetString("sconfig")
	return s, s.take(c.Flags(), path, s.table())
}

func TestFlagsWinOverTheFile(t *testing.T) {
	s, err := parse(t, `
server:
  name: from-file
  public: { bindAddress: "127.0.0.1:1", auth: { enabled: false } }
storage:
  wal: { dir: /log, sync: true, retention: 30m }
  database: { dir: /data, readCacheSizeMB: 7 }
  notification: { retention: 2h }
featureFlags: { authorityValidation: false }
observability:
  metric: { enabled: false, bindAddress: "127.0.0.1:3" }
  log: { level: debug }
`, "--name", "from-flag", "-i", "127.0.0.1:2", "--wal-retention-time=15m", "-j")
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.name, want.public, want.internal = "from-flag", "127.0.0.1:1", "127.0.0.1:2"
	want.logDir, want.dataDir, want.cacheMB = "/log", "/data", 7
	want.logRetention, want.notificationsRetention = 15*time.Minute, 2*time.Hour
	want.checkAuthority, want.metricsEnabled, want.metrics = false, false, "127.0.0.1:3"
	want.logLevel, want.logJSON = "debug", true
	if *s != *want {
		t.Errorf("the settings are\n%+v, want\n%+v", *s, *want)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, bad := range []struct {
		file  string
		args  []string
		names []string
	}{
		{"", []string{"-p", "nowhere"}, []string{"--public-addr", "host:port"}},
		{"", []string{"-i", "h:99999"}, []string{"--internal-addr", "65535"}},
		{"", []string{"--name", "a/b"}, []string{"--name", "slash"}},
		{"", []string{"--db-cache-size-mb", "0"}, []string{"--db-cache-size-mb", "from 1"}},
		{"", []string{"--wal-retention-time", "-1h"}, []string{"--wal-retention-time", "1h"}},
		{"", []string{"--wal-sync-data=false"}, []string{"--wal-sync-data", "leave it out"}},
		{"", []string{"--data-dir", ""}, []string{"--data-dir", "name a directory"}},
		{"", []string{"--auth-provider-name", "oidc"}, []string{"--auth-provider-name", "leave it out"}},
		{"", []string{"--profile=maybe"}, []string{"--profile", "true"}},
		{"", []string{"--no-such"}, []string{"--no-such"}},
		{"", []string{"--sconfig", "/nowhere/at/all"}, []string{"--sconfig", "/nowhere/at/all"}},
		{"server: [", nil, []string{"--sconfig", "YAML"}},
		{"storage: {wal: {dirr: x}}", nil, []string{"storage.wal.dirr", "storage.wal.dir,", "storage.wal.retention"}},
		{"nothing: {like: it}", nil, []string{"nothing.like", "take it out"}},
		{"storage: {wal: {retention: soon}}", nil, []string{"storage.wal.retention", "1h"}},
		{"scheduler: {checksum: {interval: 5m}}", nil, []string{"scheduler.checksum.interval", "every 1024 entries", "leave it out"}},
		{"server: {public: {auth: {enabled: true}}}", nil, []string{"server.public.auth.enabled", "set it to false"}},
		// Everything at once.
		{"server: {public: {bindAddress: x}}", []string{"-i", "y", "-m", "z"},
			[]string{"server.public.bindAddress", "--internal-addr", "--metrics-addr"}},
	} {
		_, err := parse(t, bad.file, bad.args...)
		if err == nil {
			t.Errorf("%q %q is accepted", bad.file, bad.args)
			continue
		}
		for _, name := range bad.names {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q %q: the error %q does not say %q", bad.file, bad.args, err, name)
			}
		}
	}
}

// A server starts, is watched, and ends when it is told to.
func TestServerRunsUntilItIsTold(t *testing.T) {
	var out bytes.Buffer
	c := New("test")
	c.SetErr(&out)
	c.SetOut(&out)
	c.SetArgs([]string{
		"--name", "s1", "-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "127.0.0.1:0", "--data-dir", t.TempDir(), "--db-cache-size-mb", "1",
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.ExecuteContext(ctx); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "serves") {
		t.Errorf("the log is\n%s", &out)
	}
}

// The log's level is taken from the file while the server runs, unless a flag says it;
// nothing else is.
func TestLogLevelFollowsTheFile(t *testing.T) {
	for _, test := range []struct {
		args []string
		want slog.Level
	}{{nil, slog.LevelDebug}, {[]string{"-l", "warn"}, slog.LevelWarn}} {
		path := filepath.Join(t.TempDir(), "dataserver.yaml")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("server: {name: a}")
		s, c := defaults(), New("test")
		if err := c.ParseFlags(test.args); err != nil {
			t.Fatal(err)
		}
		if err := s.take(c.Flags(), path, s.table()); err != nil {
			t.Fatal(err)
		}
		looked := make(chan struct{}, 1)
		logger, level, err := process.NewLogger(writer(func() { looked <- struct{}{} }), s.logLevel, false)
		if err != nil {
			t.Fatal(err)
		}
		watch, err := s.followLevel(c.Flags(), path, level, logger)
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Close()
		// Another name is not taken; that this is said shows that the file was read.
		write("server: {name: b}\nobservability: {log: {level: debug}}")
		<-looked
		if test.args == nil {
			<-looked // the level's own line
		}
		if level.Level() != test.want || s.name != "a" {
			t.Errorf("with %q the level is %v, and the name %q", test.args, level.Level(), s.name)
		}
	}
}

// writer calls a function for each line.
type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}
