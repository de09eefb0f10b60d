package quorum_test

import (
	"testing"

	"github.com/ostraka-db/ostraka/replication/quorum"
	"pgregory.net/rapid"
)

func configs(t *rapid.T) quorum.Config[int] {
	voters := rapid.SliceOfNDistinct(rapid.IntRange(1, 7), 0, 5, rapid.ID[int])
	return quorum.Config[int]{Ensemble: voters.Draw(t, "ensemble"), Joining: voters.Draw(t, "joining")}
}

// more tells by counting whether more than half of the voters are in.
func more(voters []int, in func(int) bool) bool {
	yes, no := 0, 0
	for _, v := range voters {
		if in(v) {
			yes++
		} else {
			no++
		}
	}
	return yes > no
}

// TestReachedIsAMajorityOfEach: a majority of the ensemble, and of the joining one
// where there is one.
func TestReachedIsAMajorityOfEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, set := configs(t), rapid.MapOf(rapid.IntRange(1, 7), rapid.Bool()).Draw(t, "in")
		in := func(v int) bool { return set[v] }
		want := more(c.Ensemble, in) && (len(c.Joining) == 0 || more(c.Joining, in))
		if c.Reached(in) != want {
			t.Fatalf("Reached = %v, want %v", !want, want)
		}
	})
}

// TestQuorumsIntersect: two sets that are both quorums share a voter, also while
// an ensemble joins.
func TestQuorumsIntersect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, set := configs(t), rapid.MapOf(rapid.IntRange(1, 7), rapid.Bool()).Draw(t, "in")
		if c.Reached(func(v int) bool { return set[v] }) && c.Reached(func(v int) bool { return !set[v] }) {
			t.Fatal("a set and its complement are both quorums")
		}
	})
}

// TestHighestIsTheLastThatAQuorumReached compares Highest with trying every
// position.
func TestHighestIsTheLastThatAQuorumReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, at := configs(t), rapid.MapOf(rapid.IntRange(1, 7), rapid.IntRange(0, 6)).Draw(t, "at")
		want := 0
		for p := 1; p <= 6; p++ {
			if c.Reached(func(v int) bool { return at[v] >= p }) {
				want = p
			}
		}
		if got := quorum.Highest(c, func(v int) int { return at[v] }); got != want {
			t.Fatalf("Highest = %d, want %d", got, want)
		}
	})
}

// TestVotersAreNamedOnce: every voter, of both ensembles, exactly once.
func TestVotersAreNamedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := configs(t)
		count := map[int]int{}
		for _, v := range c.Voters() {
			count[v]++
		}
		for v := 1; v <= 7; v++ {
			want := 0
			if c.Contains(v) {
				want = 1
			}
			if count[v] != want {
				t.Fatalf("voter %d is named %d times, want %d", v, count[v], want)
			}
		}
	})
}
