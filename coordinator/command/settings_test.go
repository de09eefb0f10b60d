package command

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/internal/process"
)

// parsed are the settings of a command line that is right.
func parsed(t *testing.T, args []string) settings {
	t.Helper()
	s := settings{}
	flags := pflag.NewFlagSet("coordinator", pflag.ContinueOnError)
	s.register(flags, program{})
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := s.check(flags, program{kubernetes: noKubernetes}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestIdentityComesFromTheHostAndThePort(t *testing.T) {
	s := parsed(t, []string{"-p", "10.0.0.7:0"})
	name, address, err := s.identity("10.0.0.7:4444")
	if err != nil || !strings.HasSuffix(name, "-4444") || address != "10.0.0.7:4444" {
		t.Errorf("name %q, address %q, %v", name, address, err)
	}
	s = parsed(t, nil)
	if _, address, err = s.identity("[::]:6651"); err != nil || strings.HasPrefix(address, "[::]") || !strings.HasSuffix(address, ":6651") {
		t.Errorf("address %q, %v", address, err)
	}
	s = parsed(t, []string{"--name", "n", "--advertised-addr", "h:1"})
	if name, address, err = s.identity("[::]:6651"); err != nil || name != "n" || address != "h:1" {
		t.Errorf("name %q, address %q, %v", name, address, err)
	}
}

// The log's level is taken from the file while the coordinator runs, unless a flag says
// it; nothing else is.
func TestLogLevelFollowsTheFile(t *testing.T) {
	for _, test := range []struct {
		args []string
		want slog.Level
	}{{nil, slog.LevelDebug}, {[]string{"-l", "warn"}, slog.LevelWarn}} {
		path := writeFile(t, "coordinator.yaml", "metadata: {name: a}\n")
		s := &settings{}
		flags := pflag.NewFlagSet("coordinator", pflag.ContinueOnError)
		s.register(flags, program{})
		if err := flags.Parse(append(test.args, "--sconfig", path)); err != nil {
			t.Fatal(err)
		}
		if err := s.check(flags, program{}); err != nil {
			t.Fatal(err)
		}
		log, told := lines(t)
		logger, level, err := process.NewLogger(log, s.logLevel, true)
		if err != nil {
			t.Fatal(err)
		}
		watch, err := s.followLevel(flags, level, logger)
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Close()
		text := "metadata: {name: b}\nobservability: {log: {level: debug}}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// That it is said shows that the file was read.
		await(t, told, "settings other than the log level have changed; they take effect at the next start")
		if level.Level() != test.want || s.name != "a" {
			t.Errorf("with %q the level is %v, and the name %q", test.args, level.Level(), s.name)
		}
	}
}
