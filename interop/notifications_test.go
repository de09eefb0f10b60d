package interop

import (
	"testing"

	"github.com/oxia-db/oxia/oxia"
)

// awaited reads notifications until one of a key comes.
func awaited(t *testing.T, events oxia.Notifications, key string) *oxia.Notification {
	t.Helper()
	for {
		select {
		case event, open := <-events.Ch():
			if !open {
				t.Fatalf("the notifications ended before %s", key)
			}
			if event.Key == key {
				return event
			}
		case <-bounded(t).Done():
			t.Fatalf("no notification of %s", key)
		}
	}
}

func TestNotifications(t *testing.T) {
	c := connect(t, servers, hierarchical)
	events, err := c.GetNotifications()
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	_, created := mustPut(t, c, "told", "1")
	if event := awaited(t, events, "told"); event.Type != oxia.KeyCreated || event.VersionId != created.VersionId {
		t.Errorf("creation: %+v", event)
	}
	_, modified := mustPut(t, c, "told", "2")
	if event := awaited(t, events, "told"); event.Type != oxia.KeyModified || event.VersionId != modified.VersionId {
		t.Errorf("change: %+v", event)
	}
	if err := c.Delete(bounded(t), "told"); err != nil {
		t.Fatal(err)
	}
	if event := awaited(t, events, "told"); event.Type != oxia.KeyDeleted {
		t.Errorf("deletion: %+v", event)
	}
	mustPut(t, c, "told-range", "x")
	awaited(t, events, "told-range")
	if err := c.DeleteRange(bounded(t), "told-range", "told-range~"); err != nil {
		t.Fatal(err)
	}
	if event := awaited(t, events, "told-range"); event.Type != oxia.KeyRangeRangeDeleted || event.KeyRangeEnd != "told-range~" {
		t.Errorf("deletion of a range: %+v", event)
	}
}

func TestNotificationsThatAreNotKept(t *testing.T) {
	c := connect(t, servers, quiet)
	mustPut(t, c, "untold", "x")
	if events, err := c.GetNotifications(); err == nil {
		events.Close()
		t.Error("notifications of a namespace without any")
	}
}
