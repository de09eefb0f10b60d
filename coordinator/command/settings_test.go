package command

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// parsed are the settings of a command line that is right.
func parsed(t *testing.T, args []string) settings {
	t.Helper()
	s := settings{}
	flags := pflag.NewFlagSet("coordinator", pflag.ContinueOnError)
	s.register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := s.check(flags); err != nil {
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
