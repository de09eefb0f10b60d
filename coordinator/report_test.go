package coordinator

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// However reports are spread over messages: a steady rate is told as it is, and what ended
// is forgotten.
func TestRatesAreThoseOfTheCounters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const every = 3000
		perLook := uint64(rapid.IntRange(0, 10_000).Draw(t, "writes in each look"))
		s := &serverView{replicas: map[replication.ShardID]*replicaView{}}
		writes, at := uint64(rapid.IntRange(0, 1000).Draw(t, "before")), int64(rapid.IntRange(1, 1000).Draw(t, "from"))
		told := uint64(math.MaxUint64)
		for range rapid.IntRange(2, 50).Draw(t, "looks") {
			message := &api.ReplicaReports{LookedAtMs: at, Complete: rapid.Bool().Draw(t, "complete")}
			// A message that is not the last of its look may not have reached the shard.
			if message.GetComplete() && writes != told {
				message.Replicas = []*api.ReplicaReport{{Shard: 1, Replica: 1, Writes: writes}}
				told = writes
			}
			s.reports(message)
			at += every
			writes += perLook
		}
		s.reports(&api.ReplicaReports{LookedAtMs: at, Complete: true, Replicas: []*api.ReplicaReport{{Shard: 1, Replica: 1, Writes: writes}}})
		r := s.replicas[1]
		want := float64(perLook) * 1000 / every
		if got := r.writes.at(at); r.writes.weight > 0 && math.Abs(got-want) > 1e-6*want {
			t.Fatalf("told %v a second, and it was %v", got, want)
		}
		if r.writes.weight > 0 && r.writes.at(at+20*60_000) > want*1e-6 {
			t.Fatalf("still %v a second after twenty minutes of nothing", r.writes.at(at+20*60_000))
		}
	})
}

// What was not told of did not happen: a burst after a rest is not spread over the rest.
func TestRestIsKnownToBeOne(t *testing.T) {
	s := &serverView{replicas: map[replication.ShardID]*replicaView{}}
	tell := func(at int64, writes ...uint64) {
		message := &api.ReplicaReports{LookedAtMs: at, Complete: true}
		for _, n := range writes {
			message.Replicas = []*api.ReplicaReport{{Shard: 1, Replica: 1, Writes: n}}
		}
		s.reports(message)
	}
	tell(3000, 0)
	for at := int64(6000); at <= 60_000; at += 3000 {
		tell(at)
	}
	tell(63_000, 300)
	// A hundred a second in the last three seconds of a minute.
	want := 100 * (1 - forget(3000)) / (1 - forget(60_000))
	if got := s.replicas[1].writes.at(63_000); math.Abs(got-want) > 1e-6 {
		t.Errorf("told %v a second, and it was %v", got, want)
	}
}

// A server that begins anew begins its counters anew, and is not taken for what it was.
func TestServersThatComeBackAreToldOfAnew(t *testing.T) {
	v := newView(nobody{})
	tell := func(at int64, writes uint64, shards ...int64) {
		state := &api.ServerState{Reports: &api.ReplicaReports{LookedAtMs: at, Complete: true}}
		for _, id := range shards {
			state.Reports.Replicas = append(state.Reports.Replicas, &api.ReplicaReport{Shard: id, Replica: 1, Writes: writes})
		}
		v.heard("a", state)
	}
	tell(60_000, 1_000_000, 1, 2)
	v.heard("a", &api.ServerState{Reports: &api.ReplicaReports{LookedAtMs: 63_000, Gone: []int64{2}, Complete: true}})
	if s := v.servers["a"].snapshot(); s.Replicas != 1 || !s.Since.IsZero() || !s.Reachable {
		t.Errorf("known is %+v", s)
	}
	v.lost("a", nil)
	if s := v.servers["a"].snapshot(); s.Replicas != 1 || s.Since.IsZero() || s.Reachable {
		t.Errorf("known is %+v", s)
	}
	tell(10, 5, 3)
	tell(3010, 305, 3)
	s := v.servers["a"].snapshot()
	if s.Replicas != 1 || math.Abs(s.WritesPerSecond-100) > 0.1 || s.ReadsPerSecond != 0 {
		t.Errorf("known is %+v", s)
	}
	// A counter that became less, of a replica that is another.
	if r := v.servers["a"].replicas[3]; more(5, 3) != 3 || r == nil {
		t.Error("a counter that begins anew")
	}
}
