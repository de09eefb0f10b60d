package admin

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

const (
	agrees      = api.DigestVerdict_DIGEST_VERDICT_AGREES
	differs     = api.DigestVerdict_DIGEST_VERDICT_DIFFERS
	disputed    = api.DigestVerdict_DIGEST_VERDICT_DISPUTED
	notCompared = api.DigestVerdict_DIGEST_VERDICT_NOT_COMPARED
)

// seen are the witnesses of a shard, each with what it told, offset after offset.
func seen(told ...digests) []witness {
	var all []witness
	for i, d := range told {
		all = append(all, witness{member: replication.Member{Server: replication.ServerID(fmt.Sprint("s", i+1)), Replica: 1}, votes: true, seen: d})
	}
	return all
}

func TestWhatDigestsTell(t *testing.T) {
	learner := seen(digests{8: 1}, digests{8: 1}, digests{8: 2})
	learner[2].votes = false
	accused := seen(digests{8: 1}, digests{}, digests{8: 1})
	accused[1].accused, accused[1].compared = true, 8
	busy := seen(digests{7: 1}, digests{8: 1}, digests{9: 1})
	busy[0].leads, busy[1].compared, busy[2].compared = true, 10, 11
	alone := seen(digests{7: 1}, digests{8: 1})
	alone[0].leads, alone[1].compared, alone[1].accused = true, 10, true
	away := seen(digests{8: 1}, digests{}, digests{8: 1})
	away[1].silent = "its server is not reached"
	for _, c := range []struct {
		name      string
		witnesses []witness
		whole     api.DigestVerdict
		each      []api.DigestVerdict
		offsets   []int64
	}{
		{"all agree at the newest", seen(digests{8: 1, 9: 2}, digests{9: 2}, digests{8: 1, 9: 2}), agrees, []api.DigestVerdict{agrees, agrees, agrees}, []int64{9, 9, 9}},
		{"one lags", seen(digests{8: 1, 9: 2}, digests{9: 2}, digests{8: 1}), agrees, []api.DigestVerdict{agrees, agrees, agrees}, []int64{9, 9, 8}},
		{"one differs", seen(digests{8: 1}, digests{8: 3}, digests{8: 1}), differs, []api.DigestVerdict{agrees, differs, agrees}, []int64{8, 8, 8}},
		{"one of two differs", seen(digests{8: 1}, digests{8: 3}), disputed, []api.DigestVerdict{disputed, disputed}, []int64{8, 8}},
		{"two of three, the third is not there", seen(digests{8: 1}, digests{8: 3}, digests{}), disputed, []api.DigestVerdict{disputed, disputed, notCompared}, []int64{8, 8, 0}},
		{"disputed at the newest, decided before", seen(digests{7: 1, 9: 2}, digests{7: 1}, digests{7: 5, 9: 6}), differs, []api.DigestVerdict{agrees, agrees, differs}, []int64{7, 7, 7}},
		{"came apart after the last agreement", seen(digests{7: 1, 9: 2}, digests{7: 1}, digests{7: 1, 9: 6}), disputed, []api.DigestVerdict{disputed, agrees, disputed}, []int64{9, 7, 9}},
		{"rebuilt since it differed", seen(digests{7: 1, 9: 2}, digests{7: 3, 9: 2}, digests{7: 1, 9: 2}), agrees, []api.DigestVerdict{agrees, agrees, agrees}, []int64{9, 9, 9}},
		{"never at one offset", seen(digests{7: 1}, digests{8: 1}, digests{9: 1}), notCompared, []api.DigestVerdict{notCompared, notCompared, notCompared}, []int64{7, 8, 9}},
		{"a learner has no say", learner, differs, []api.DigestVerdict{agrees, agrees, differs}, []int64{8, 8, 8}},
		{"the leader's word against one", accused, disputed, []api.DigestVerdict{agrees, disputed, agrees}, []int64{8, 8, 8}},
		{"the leader's word for both", busy, agrees, []api.DigestVerdict{agrees, agrees, agrees}, []int64{11, 10, 11}},
		{"the leader's word against the only other", alone, disputed, []api.DigestVerdict{disputed, disputed}, []int64{10, 10}},
		{"one is away", away, notCompared, []api.DigestVerdict{agrees, notCompared, agrees}, []int64{8, 0, 8}},
		{"the only one", seen(digests{8: 1}), notCompared, []api.DigestVerdict{notCompared}, []int64{8}},
	} {
		whole, each := compareDigests(c.witnesses)
		if whole != c.whole {
			t.Errorf("%s: the shard is %v, want %v", c.name, whole, c.whole)
		}
		for i, one := range each {
			if one.GetVerdict() != c.each[i] || one.GetOffset() != c.offsets[i] {
				t.Errorf("%s: replica %d is %v, want %v at %d", c.name, i, one, c.each[i], c.offsets[i])
			}
			if needs := c.each[i] == notCompared; needs != (one.GetProblem() != "") && c.each[i] != disputed {
				t.Errorf("%s: replica %d: the problem is %q", c.name, i, one.GetProblem())
			}
		}
	}
}

// Whoever is at fault is found wherever it can be, and nobody else is blamed while a
// majority is right.
func TestNobodyIsBlamedForAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "replicas")
		wrong := rapid.IntRange(0, (n-1)/2).Draw(t, "wrong")
		apart := rapid.Int64Range(1, 20).Draw(t, "apart")
		told := make([]digests, n)
		for i := range told {
			told[i] = digests{}
			for _, o := range rapid.SliceOfN(rapid.Int64Range(1, 20), 0, 8).Draw(t, "offsets") {
				told[i].add(replication.Offset(o), digestAt(o, i < wrong && o >= apart, i))
			}
		}
		whole, each := compareDigests(seen(told...))
		for i, one := range each {
			switch v := one.GetVerdict(); {
			case v == differs && i >= wrong:
				t.Fatalf("replica %d is blamed: %v", i, each)
			case (v == agrees) && digestAt(one.GetOffset(), false, 0) != one.GetDigest():
				t.Fatalf("replica %d passes with a wrong digest: %v", i, each)
			case v == disputed && wrong == 0:
				t.Fatalf("nobody is wrong, and %d is disputed: %v", i, each)
			}
		}
		if wrong == 0 && (whole == differs || whole == disputed) {
			t.Fatalf("the shard is %v", whole)
		}
	})
}

func digestAt(offset int64, wrong bool, who int) uint64 {
	if wrong {
		return uint64(offset*100 + 1 + int64(who))
	}
	return uint64(offset * 100)
}

func TestFewDigestsAreKept(t *testing.T) {
	d := digests{}
	d.add(0, 1)
	for o := range replication.Offset(3 * maxDigests) {
		d.add(o+1, uint64(o))
	}
	if len(d) != maxDigests || d.newest() != 3*maxDigests || d[2*maxDigests] != 0 {
		t.Errorf("%d are kept, the newest of %d", len(d), d.newest())
	}
}
