package public

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
)

type mapStream = stream[api.ShardAssignmentsRequest, api.ShardAssignments]

// follows begins a stream of the shard map, which ends with what is received.
func follows(s *Service, to *mapStream, namespace string) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- s.GetShardAssignments(&api.ShardAssignmentsRequest{Namespace: namespace}, to) }()
	return ended
}

func leaderIn(m *api.ShardAssignments) string {
	return m.GetNamespaces()["default"].GetAssignments()[0].GetLeader()
}

// A client that reads slowly is told the newest map, and not every one in between; what
// concerns another namespace alone is not told.
func TestSlowClientIsToldTheNewestMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ending := make(chan struct{})
		s, d := service(func(o *Options) { o.Ending = ending })
		d.Told(told(1, ""))
		to := newStream[api.ShardAssignmentsRequest, api.ShardAssignments](t.Context())
		ended := follows(s, to, "")
		first := <-to.answers
		if leaderIn(first) != "" || len(first.GetNamespaces()) != 1 || fmt.Sprint(first.GetAllowedAuthorities()) != "[h1:1 h2:1]" {
			t.Errorf("the first map is %v", first)
		}
		for revision := range int64(50) {
			d.Told(told(2+revision, []string{"s1", "s2"}[revision%2]))
			time.Sleep(time.Second)
		}
		// One is on its way since the first change.
		if m := <-to.answers; leaderIn(m) != "h1:1" {
			t.Errorf("the next map is %v", m)
		}
		if m := <-to.answers; leaderIn(m) != "h2:1" {
			t.Errorf("the newest map is %v", m)
		}
		same := told(100, "s2")
		same.Namespaces = append(same.Namespaces, "third")
		d.Told(same)
		time.Sleep(time.Hour)
		select {
		case m := <-to.answers:
			t.Errorf("nothing changed, and it is told %v", m)
		default:
		}
		close(ending)
		refusal{codes.Unavailable, api.ReasonResourceUnavailable, []string{"another"}}.check(t, "the end of the server", <-ended)
	})
}

// A namespace that is deleted ends its clients' streams.
func TestMapOfANamespaceThatIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := service()
		d.Told(told(1, "s1"))
		to := newStream[api.ShardAssignmentsRequest, api.ShardAssignments](t.Context())
		ended := follows(s, to, "other")
		if m := <-to.answers; len(m.GetNamespaces()["other"].GetAssignments()) != 0 {
			t.Errorf("a namespace without shards has %v", m)
		}
		without := told(2, "s1")
		without.Namespaces = []string{"default"}
		d.Told(without)
		refusal{codes.NotFound, api.ReasonNamespaceNotFound, []string{`"other"`}}.check(t, "a namespace that is deleted", <-ended)
	})
}

// One that is alone sends clients to where they came; not to a name that is no address,
// and not to a shard that nobody leads.
func TestServerThatIsAloneLeadsWhereItIsReached(t *testing.T) {
	for _, c := range []struct {
		leader  string
		headers []string
		want    string
	}{
		{"s1", []string{":authority", "outside:7"}, "outside:7"},
		{"s1", []string{":authority", "outside"}, "h1:1"},
		{"s1", []string{":authority", "outside:"}, "h1:1"},
		{"s1", nil, "h1:1"},
		{"", []string{":authority", "outside:7"}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			ending := make(chan struct{})
			s, d := service(func(o *Options) { o.Alone, o.Ending = true, ending })
			d.Told(told(1, c.leader))
			to := newStream[api.ShardAssignmentsRequest, api.ShardAssignments](t.Context(), c.headers...)
			ended := follows(s, to, "default")
			if m := <-to.answers; leaderIn(m) != c.want {
				t.Errorf("to %v the leader is %q, want %q", c.headers, leaderIn(m), c.want)
			}
			close(ending)
			<-ended
		})
	}
}
