package coordinator

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// on are members of a document on some servers, whose replica ids are in their order.
func on(servers ...replication.ServerID) []replication.DocumentMember {
	var members []replication.DocumentMember
	for _, id := range servers {
		members = append(members, replication.DocumentMember{
			Member: replication.Member{Server: id, Replica: replication.ReplicaID(id[0]-'a') + 1},
		})
	}
	return members
}

// Each kind of trouble is told where it is, with what an operator needs to know, and none
// where it is not.
func TestTroublesAreTold(t *testing.T) {
	leads := func(report *api.ReplicaReport) *api.ReplicaReport {
		report.Replica, report.Term, report.Role = 1, 5, api.ReplicaReport_ROLE_LEADER
		return report
	}
	serves := leads(&api.ReplicaReport{Serving: true})
	for name, c := range map[string]struct {
		change func(*view, *shardView)
		away   string
		wanted []replication.ServerID
		want   []TroubleKind
		text   string
	}{
		"steady": {},
		"not begun": {
			change: func(_ *view, s *shardView) { *s = shardView{} }, away: "b",
			want: []TroubleKind{TroubleNew}, text: "it has no leader yet, and waits for b (out of reach for 3s)",
		},
		"electing": {
			change: func(_ *view, s *shardView) { s.leader, s.cause = "", CauseDraining },
			want:   []TroubleKind{TroubleElecting}, text: "no leader for 2s: elects one in term 5, because of server_draining",
		},
		"leader lost": {
			away: "a", want: []TroubleKind{TroubleNoLeader, TroubleUnreachable}, text: "its leader is on a (out of reach for 3s)",
		},
		"leader without a majority": {
			change: func(v *view, _ *shardView) { v.servers["a"].replicas[1].report = leads(&api.ReplicaReport{}) },
			want:   []TroubleKind{TroubleNoLeader}, text: "its leader on a does not serve",
		},
		"member lost": {
			away: "c", want: []TroubleKind{TroubleUnreachable}, text: "the replica on c (out of reach for 3s) is missing; a majority is there",
		},
		"majority lost": {
			away: "bc", want: []TroubleKind{TroubleMajorityLost}, text: "2 of 3 replicas are out of reach, on b (",
		},
		"majority of those that join lost": {
			change: func(_ *view, s *shardView) { s.document.Joining = on("a", "d", "e") }, away: "de",
			wanted: []replication.ServerID{"a", "d", "e"},
			want:   []TroubleKind{TroubleMajorityLost, TroubleJoint}, text: "2 of 3 replicas are out of reach, on d",
		},
		"damaged": {
			change: func(v *view, _ *shardView) {
				v.servers["b"].replicas[1].report = &api.ReplicaReport{Replica: 2, NeedsOffset: 30, Installing: true, InstalledBytes: 77}
			},
			want: []TroubleKind{TroubleDamaged}, text: "snapshot up to 30 is to repair it; 77 bytes of a snapshot have arrived",
		},
		"disputed": {
			change: func(v *view, _ *shardView) {
				v.servers["a"].replicas[1].report = leads(&api.ReplicaReport{Serving: true, Members: []*api.MemberReport{{Server: "b", Replica: 2, Disputed: true}}})
			},
			want: []TroubleKind{TroubleDisputed}, text: "the states on a and b differ",
		},
		"lagging": {
			change: func(v *view, _ *shardView) {
				v.servers["a"].replicas[1].report = leads(&api.ReplicaReport{Serving: true, Members: []*api.MemberReport{{Server: "c", Replica: 3, Lag: laggingAfter + 1}}})
			},
			want: []TroubleKind{TroubleLagging}, text: "on c is 10001 entries behind",
		},
		"a little behind": {
			change: func(v *view, _ *shardView) {
				v.servers["a"].replicas[1].report = leads(&api.ReplicaReport{Serving: true, Members: []*api.MemberReport{{Server: "c", Replica: 3, Lag: laggingAfter}}})
			},
		},
		"joint": {
			change: func(_ *view, s *shardView) { s.document.Joining = on("a", "b", "d") },
			wanted: []replication.ServerID{"a", "b", "d"},
			want:   []TroubleKind{TroubleJoint}, text: "moves from a, b, c to a, b, d",
		},
		"learning": {
			change: func(v *view, s *shardView) {
				s.document.Learners = on("d")
				v.servers["a"].replicas[1].report = leads(&api.ReplicaReport{Serving: true, Members: []*api.MemberReport{{Server: "d", Replica: 4, Lag: 12}}})
			},
			wanted: []replication.ServerID{"a", "b", "d"},
			want:   []TroubleKind{TroubleLearner}, text: "the new replica on d catches up: 12 entries behind",
		},
		"learner lost": {
			change: func(_ *view, s *shardView) { s.document.Learners = on("d") }, away: "d",
			wanted: []replication.ServerID{"a", "b", "d"},
			want:   []TroubleKind{TroubleLearner}, text: "the new replica on d (out of reach",
		},
		"wanted elsewhere": {
			wanted: []replication.ServerID{"a", "b", "d"}, away: "d",
			want: []TroubleKind{TroubleMoving}, text: "is to be on a, b, d, and is on a, b, c, and waits for d (out of reach",
		},
		"too many replicas": {
			wanted: []replication.ServerID{"a"}, want: []TroubleKind{TroubleMoving}, text: "is to be on a, and is on a, b, c",
		},
		"removed": {
			change: func(_ *view, s *shardView) { s.document.Removed = on("e") }, away: "e",
			want: []TroubleKind{TroubleRemoving}, text: "to be deleted from e (out of reach",
		},
		"deleted": {
			change: func(_ *view, s *shardView) {
				s.document.Status, s.document.Ensemble, s.document.Removed = replication.StatusDeleted, nil, on("a")
			},
			want: []TroubleKind{TroubleDeleting}, text: "replicas are left on a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			v := newView(nobody{})
			for _, m := range on("a", "b", "c", "d", "e") {
				s := v.server(m.Server)
				s.state = &api.ServerState{}
				s.replicas[1] = &replicaView{report: &api.ReplicaReport{Replica: int64(m.Replica)}}
				if strings.Contains(c.away, string(m.Server)) {
					s.state, s.reason, s.since = nil, errors.New("refused"), now.Add(-3*time.Second)
				}
			}
			v.servers["a"].replicas[1].report = serves
			s := v.shard(1)
			s.document = &replication.Document{
				Version: 9, Term: replication.TermID{Term: 5}, Status: replication.StatusSteady, Ensemble: on("a", "b", "c"),
				Leader: on("a")[0].Member,
			}
			s.term, s.leader, s.since = 5, "a", now.Add(-2*time.Second)
			if c.change != nil {
				c.change(v, s)
			}
			shown := ShardSnapshot{Namespace: "n", Wanted: []replication.ServerID{"a", "b", "c"}}
			if c.wanted != nil {
				shown.Wanted = c.wanted
			}
			var whole Snapshot
			v.snapshot(&whole, now)
			v.describe(1, &shown)
			found := troubles(&shown, whole.Servers, now)
			var kinds []TroubleKind
			for _, one := range found {
				kinds = append(kinds, one.Kind)
			}
			if !slices.Equal(kinds, c.want) || len(found) > 0 && !strings.Contains(found[0].Text, c.text) {
				t.Errorf("told %q", found)
			}
			for _, kind := range kinds {
				if !slices.Contains(TroubleKinds(), kind) {
					t.Errorf("%s is no kind that is listed", kind)
				}
			}
		})
	}
}
