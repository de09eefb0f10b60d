package admin

import (
	"maps"
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// maxDigests bounds how many digests are kept of a replica while others are waited for.
const maxDigests = 64

// digests are what a replica was seen to have, by offset. Offsets are those of applied
// entries: replicas that applied the same ones have the same digest there.
type digests map[replication.Offset]uint64

// add keeps a digest, and the newest of all.
func (d digests) add(o replication.Offset, digest uint64) {
	if o <= 0 {
		return
	}
	d[o] = digest
	if len(d) > maxDigests {
		delete(d, slices.Min(slices.Collect(maps.Keys(d))))
	}
}

// newest returns the highest offset of which a digest is known, zero if none is.
func (d digests) newest() replication.Offset {
	var newest replication.Offset
	for o := range d {
		newest = max(newest, o)
	}
	return newest
}

// witness is a replica of which digests are compared.
type witness struct {
	member replication.Member
	// votes is set for those whose majority decides who is right.
	votes bool
	seen  digests
	// silent is why nothing is told of it at present; empty if it is.
	silent string
	// leads is set for the shard's leader. Of the others, compared is the newest offset at
	// which it held their digests against its own, zero if it did not yet in its term, and
	// accused says that there they differed.
	leads    bool
	compared replication.Offset
	accused  bool
}

// compareDigests says of each replica whether its digest is that of the others, at the
// highest offset at which that can be said.
func compareDigests(witnesses []witness) (api.DigestVerdict, []*api.ReplicaDigest) {
	verdicts := make([]*api.ReplicaDigest, len(witnesses))
	for i, w := range witnesses {
		verdicts[i] = &api.ReplicaDigest{Server: string(w.member.Server), Replica: int64(w.member.Replica)}
	}
	for _, o := range offsetsOf(witnesses) {
		judge(witnesses, verdicts, o)
	}
	takeLeadersWord(witnesses, verdicts)
	whole := api.DigestVerdict_DIGEST_VERDICT_AGREES
	for i, w := range witnesses {
		if verdicts[i].Verdict == api.DigestVerdict_DIGEST_VERDICT_UNSPECIFIED {
			explainSilence(w, len(witnesses), verdicts[i])
		}
		whole = worse(whole, verdicts[i].Verdict)
	}
	return whole, verdicts
}

// offsetsOf returns the offsets of which more than one replica has told, the highest
// first.
func offsetsOf(witnesses []witness) []replication.Offset {
	count := map[replication.Offset]int{}
	for _, w := range witnesses {
		for o := range w.seen {
			count[o]++
		}
	}
	maps.DeleteFunc(count, func(_ replication.Offset, n int) bool { return n < 2 })
	offsets := slices.Sorted(maps.Keys(count))
	slices.Reverse(offsets)
	return offsets
}

// judge gives verdicts by what was seen at an offset, to those who have none from a higher
// one. Where there it could not be told who is right, an offset at which it can be is
// believed instead: who came apart does not come together again.
func judge(witnesses []witness, verdicts []*api.ReplicaDigest, o replication.Offset) {
	right, agreed, differ := countAt(witnesses, o)
	for i, w := range witnesses {
		digest, seen := w.seen[o]
		before := verdicts[i].GetVerdict()
		disputed := before == api.DigestVerdict_DIGEST_VERDICT_DISPUTED
		if !seen || before != api.DigestVerdict_DIGEST_VERDICT_UNSPECIFIED && !(disputed && agreed && differ) {
			continue
		}
		verdict := api.DigestVerdict_DIGEST_VERDICT_AGREES
		switch {
		case differ && !agreed:
			verdict = api.DigestVerdict_DIGEST_VERDICT_DISPUTED
		case differ && digest != right:
			verdict = api.DigestVerdict_DIGEST_VERDICT_DIFFERS
		}
		verdicts[i].Verdict, verdicts[i].Offset, verdicts[i].Digest = verdict, int64(o), digest
	}
}

// takeLeadersWord gives verdicts to those who were never seen at an offset of another's. In a
// shard that is written to all the time that may be all of them: its leader sees each
// digest, and tells what it found.
func takeLeadersWord(witnesses []witness, verdicts []*api.ReplicaDigest) {
	var leads *api.ReplicaDigest
	var agreed, disputed replication.Offset
	for i, w := range witnesses {
		open := verdicts[i].GetVerdict() == api.DigestVerdict_DIGEST_VERDICT_UNSPECIFIED
		switch {
		case w.leads && open:
			leads = verdicts[i]
		case w.compared == 0:
		case w.accused:
			disputed = max(disputed, w.compared)
			if open {
				verdicts[i].Verdict, verdicts[i].Offset = api.DigestVerdict_DIGEST_VERDICT_DISPUTED, int64(w.compared)
				verdicts[i].Problem = "the shard's leader has another digest there"
			}
		default:
			agreed = max(agreed, w.compared)
			if open {
				verdicts[i].Verdict, verdicts[i].Offset = api.DigestVerdict_DIGEST_VERDICT_AGREES, int64(w.compared)
			}
		}
	}
	switch {
	case leads == nil:
	case agreed > 0:
		leads.Verdict, leads.Offset = api.DigestVerdict_DIGEST_VERDICT_AGREES, int64(agreed)
	case disputed > 0:
		leads.Verdict, leads.Offset = api.DigestVerdict_DIGEST_VERDICT_DISPUTED, int64(disputed)
	}
}

// countAt returns the digest on which most voters agree at an offset, whether there is
// one, and whether any replica has another than any other.
func countAt(witnesses []witness, o replication.Offset) (right uint64, agreed, differ bool) {
	voters, votes, told := 0, map[uint64]int{}, map[uint64]bool{}
	for _, w := range witnesses {
		if w.votes {
			voters++
		}
		if digest, seen := w.seen[o]; seen {
			told[digest] = true
			if w.votes {
				votes[digest]++
			}
		}
	}
	for digest, n := range votes {
		if n > voters/2 {
			right, agreed = digest, true
		}
	}
	return right, agreed, len(told) > 1
}

// explainSilence says why a replica was not compared with any.
func explainSilence(w witness, replicas int, told *api.ReplicaDigest) {
	newest := w.seen.newest()
	told.Verdict, told.Offset, told.Digest = api.DigestVerdict_DIGEST_VERDICT_NOT_COMPARED, int64(newest), w.seen[newest]
	switch {
	case replicas == 1:
		told.Problem = "it is the only replica"
	case w.silent != "":
		told.Problem = w.silent
	case newest == 0:
		told.Problem = "it has told no digest yet"
	default:
		told.Problem = "no other replica was seen at an offset at which it was: try again when fewer writes are under way, or for longer"
	}
}

// severity orders verdicts on replicas by how much they are worth telling of a shard.
var severity = map[api.DigestVerdict]int{
	api.DigestVerdict_DIGEST_VERDICT_AGREES: 0, api.DigestVerdict_DIGEST_VERDICT_NOT_COMPARED: 1,
	api.DigestVerdict_DIGEST_VERDICT_DISPUTED: 2, api.DigestVerdict_DIGEST_VERDICT_DIFFERS: 3,
}

// worse returns the verdict that is worth telling of two.
func worse(a, b api.DigestVerdict) api.DigestVerdict {
	if severity[b] > severity[a] {
		return b
	}
	return a
}
