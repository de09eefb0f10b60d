package command

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// Changes of a cluster are told as they come, over the end of a coordinator's reign.
func TestAClusterIsWatched(t *testing.T) {
	places := newPlaces(t)
	watched := places.start(t, "admin status --watch --admin-address FOLLOWER")
	watched.errs.wait(t, "interrupt to end")
	for _, part := range []string{"cluster KLEISTHENES", "default/0  4"} {
		if got := watched.out.String(); !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
	f := places.cluster
	f.change(func() { f.shards[0].Leader, f.shards[0].Term = "db-2", 5 })
	watched.out.wait(t, "shard default/0  leader  db-1    db-2\n")
	f.sever(false)
	watched.errs.wait(t, "no coordinator is known to lead at present: try again (Aborted); asking again\n")
	f.change(func() {
		f.servers = f.servers[:2]
		f.shards[2].Unsteady = nil
	})
	watched.out.wait(t, "server db-3")
	watched.out.wait(t, "of db-1, db-3 only db-1 is reached")
	watched.interrupt()
	watched.end(t, exit.OK)
	if n := strings.Count(watched.out.String(), "cluster KLEISTHENES"); n != 1 {
		t.Errorf("the whole was printed %d times", n)
	}
}

// A watch turns to the other coordinators when the one that it asked is gone.
func TestAWatchOutlivesACoordinator(t *testing.T) {
	places := newPlaces(t)
	var other *fakeCluster
	address := serve(t, func(s *grpc.Server, address string) {
		other = newFakeCluster(address)
		api.RegisterOstrakaAdminServer(s, other)
	})
	other.shards[0].Leader = "db-2"
	places.cluster.change(func() { places.cluster.overview.Coordinators[1].Address = address })
	watched := places.start(t, "admin status --watch --admin-address ADMIN")
	watched.errs.wait(t, "interrupt to end")
	places.cluster.sever(true)
	watched.out.wait(t, "shard default/0")
	watched.interrupt()
	watched.end(t, exit.OK)
}

// Programs get the whole item by item, and then changes, each an object on its line.
func TestAClusterIsWatchedByPrograms(t *testing.T) {
	places := newPlaces(t)
	watched := places.start(t, "admin status --watch --namespace orders -o json --admin-address ADMIN")
	watched.errs.wait(t, "interrupt to end")
	f := places.cluster
	// A figure in a reason is no change, another reason is.
	f.change(func() {
		f.shards[2].Term, f.shards[2].Unsteady[0].Text = 10, "of db-1, db-3 only db-1 is reached, for 3 s"
	})
	watched.out.wait(t, `"what":"term"`)
	f.change(func() { f.shards[2].Unsteady = []*api.ClusterReason{{Kind: "no-leader", Text: "nobody leads it"}} })
	watched.out.wait(t, `"after":"nobody leads it"`)
	watched.interrupt()
	watched.end(t, exit.OK)
	var changes []string
	for _, line := range strings.Split(strings.TrimSpace(watched.out.String()), "\n") {
		var item map[string]struct{ About, What, Before, Time string }
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if change, is := item["change"]; is {
			changes = append(changes, change.About+" "+change.What+" "+change.Before+" at "+change.Time)
		}
	}
	want := []string{
		"shard orders/2 term 9 at 1970-01-01T00:00:00.001Z",
		"shard orders/2 state of db-1, db-3 only db-1 is reached, for 3 s at 1970-01-01T00:00:00.001Z",
	}
	if !slices.Equal(changes, want) {
		t.Errorf("changes are %q, want %q", changes, want)
	}
}

// A watch that cannot begin says why; one that may not go on, too.
func TestAWatchThatCannotBegin(t *testing.T) {
	places := newPlaces(t)
	for line, want := range map[string]string{
		"admin status --watch --admin-address NOBODY":  "watch the cluster: cannot reach NOBODY",
		"admin status --watch --admin-address SERVICE": "does not offer this",
	} {
		if got := places.run(t, line, ""); !strings.Contains(got, want) || !strings.Contains(got, "exit code 1") {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// A drained server is waited for until it holds nothing.
func TestADrainIsWaitedFor(t *testing.T) {
	places := newPlaces(t)
	drained := places.start(t, "admin dataserver drain db-2 --wait --admin-address ADMIN")
	f := places.cluster
	for _, replicas := range []uint32{1, 0} {
		f.change(func() { f.servers[1].Replicas = replicas })
	}
	drained.end(t, exit.OK)
	if got := drained.out.String(); !strings.Contains(got, "db-2    draining  0") {
		t.Errorf("%q", got)
	}
}

// Names of shards and servers are completed from the cluster, and nothing where nobody
// answers.
func TestNamesAreCompleted(t *testing.T) {
	places := newPlaces(t)
	for line, want := range map[string]string{
		"__complete admin shard move --admin-address ADMIN ''":              "default/0\tsteady\n",
		"__complete admin shard move x --admin-address ADMIN ''":            ":4\n",
		"__complete admin shard move --admin-address ADMIN --from ''":       "db-1\ndb-2\ndb-3\n",
		"__complete admin shard verify x --admin-address ADMIN ''":          "orders/2\t",
		"__complete admin shard recover --admin-address ADMIN --survivor d": "db-1\ndb-2\ndb-3\n",
		"__complete admin dataserver drain --admin-address ADMIN ''":        "db-1\ndb-2\ndb-3\n",
		"__complete admin dataserver undrain --admin-address NOBODY ''":     ":4\n",
	} {
		if got := places.run(t, line, ""); !strings.HasPrefix(got, want) && !strings.Contains(got, "\n"+want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
