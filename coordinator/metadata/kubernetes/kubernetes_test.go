package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/kube/fakeapi"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/conformance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// status is the name of every test's status, objects the number of its objects.
const (
	status  = "status"
	objects = 3
)

func server(t testing.TB) *fakeapi.Server {
	t.Helper()
	s := fakeapi.New()
	t.Cleanup(s.Close)
	return s
}

func options(client *kube.Client) Options {
	return Options{Client: client, Status: status, Objects: objects, Logger: slog.New(slog.DiscardHandler)}
}

// open opens a provider that the caller closes.
func open(t testing.TB, client *kube.Client) metadata.Provider {
	t.Helper()
	p, err := Open(context.Background(), options(client))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// opened opens a provider that the test closes.
func opened(t testing.TB, s *fakeapi.Server) metadata.Provider {
	t.Helper()
	p := open(t, s.Client(t))
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestConformance(t *testing.T) {
	conformance.Run(t, func(t *testing.T) func() metadata.Provider {
		s := server(t)
		return func() metadata.Provider { return open(t, s.Client(t)) }
	})
}

// A process that dies before or after any of its requests leaves each document, and the
// lease, as it was or as it was to be.
func TestCrashes(t *testing.T) {
	conformance.RunCrashes(t, func(t *testing.T) conformance.Crashing {
		s := server(t)
		return conformance.Crashing{
			Open:   func() metadata.Provider { return open(t, s.Client(t)) },
			Doomed: func(steps int) metadata.Provider { return open(t, s.Doomed(t, steps)) },
		}
	})
}

func change(key, value string, version int64) metadata.Change {
	c := metadata.Change{Key: key, Version: version}
	if value != "" {
		c.Value = []byte(value)
	}
	return c
}

func mustUpdate(t testing.TB, p metadata.Provider, changes ...metadata.Change) {
	t.Helper()
	if err := errors.Join(p.Update(t.Context(), changes)...); err != nil {
		t.Fatal(err)
	}
}
