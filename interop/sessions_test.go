package interop

import (
	"errors"
	"testing"
	"time"

	"github.com/oxia-db/oxia/oxia"
)

func TestEphemeralRecordsGoWithTheirClient(t *testing.T) {
	for _, namespace := range []string{hierarchical, natural} {
		t.Run(namespace, func(t *testing.T) {
			watcher := connect(t, servers, namespace)
			owner, err := oxia.NewSyncClient(servers.Addresses()[0], oxia.WithNamespace(namespace),
				oxia.WithSessionTimeout(5*time.Second), oxia.WithIdentity("owner"))
			if err != nil {
				t.Fatal(err)
			}
			_, version := mustPut(t, owner, "ephemeral/a", "x", oxia.Ephemeral(), oxia.SecondaryIndex("kind", "e"))
			mustPut(t, owner, "ephemeral/b", "x", oxia.Ephemeral())
			mustPut(t, owner, "ephemeral/kept", "x")
			if !version.Ephemeral || version.ClientIdentity != "owner" {
				t.Errorf("stored as %+v", version)
			}
			// Somebody else's put makes a record that stays.
			mustPut(t, watcher, "ephemeral/b", "mine")
			if err := owner.Close(); err != nil {
				t.Fatal(err)
			}
			if _, _, _, err := watcher.Get(bounded(t), "ephemeral/a"); !errors.Is(err, oxia.ErrKeyNotFound) {
				t.Errorf("after its client closed: %v", err)
			}
			if listed, err := watcher.List(bounded(t), "", "", oxia.UseIndex("kind")); err != nil || len(listed) > 0 {
				t.Errorf("its index has %q, %v", listed, err)
			}
			mustGet(t, watcher, "ephemeral/b")
			mustGet(t, watcher, "ephemeral/kept")
		})
	}
}

// The client of a session that is not heard any more is not closed: nothing of it is
// there to close.
func TestSessionsExpire(t *testing.T) {
	watcher := connect(t, servers, single)
	owner, err := oxia.NewSyncClient(servers.Addresses()[0], oxia.WithNamespace(single),
		oxia.WithSessionTimeout(2*time.Second), oxia.WithSessionKeepAliveTicker(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	mustPut(t, owner, "expiring", "x", oxia.Ephemeral())
	events, err := watcher.GetNotifications()
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for {
		select {
		case event := <-events.Ch():
			if event.Type == oxia.KeyDeleted && event.Key == "expiring" {
				return
			}
		case <-bounded(t).Done():
			t.Fatal("the record is not deleted")
		}
	}
}
