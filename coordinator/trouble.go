package coordinator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// TroubleKind is a kind of reason for which a shard is not steady.
type TroubleKind string

// The kinds of trouble, those first that clients notice.
const (
	// TroubleMajorityLost: so many replicas are out of reach that the shard cannot serve.
	TroubleMajorityLost TroubleKind = "majority_lost"
	// TroubleNew: the shard has not begun, because not all of its servers were heard yet.
	TroubleNew TroubleKind = "new"
	// TroubleElecting: a leader is being elected.
	TroubleElecting TroubleKind = "electing"
	// TroubleNoLeader: the leader is out of reach, or does not serve.
	TroubleNoLeader TroubleKind = "no_leader"
	// TroubleDeleting: its namespace was deleted, and replicas are left.
	TroubleDeleting TroubleKind = "deleting"
	// TroubleDisputed: replicas differ, and too few agree to tell who is right.
	TroubleDisputed TroubleKind = "disputed"
	// TroubleDamaged: a replica lost some of its data, or has it wrong, and waits for a
	// snapshot.
	TroubleDamaged TroubleKind = "damaged"
	// TroubleUnreachable: a replica's server is out of reach, and a majority is not.
	TroubleUnreachable TroubleKind = "unreachable"
	// TroubleJoint: the old ensemble and the new one both decide.
	TroubleJoint TroubleKind = "joint"
	// TroubleLearner: a new replica catches up.
	TroubleLearner TroubleKind = "learner"
	// TroubleMoving: replicas are wanted elsewhere, and the move has not begun.
	TroubleMoving TroubleKind = "moving"
	// TroubleLagging: a replica is far behind.
	TroubleLagging TroubleKind = "lagging"
	// TroubleRemoving: a replica that left is not deleted yet.
	TroubleRemoving TroubleKind = "removing"
)

// TroubleKinds are all kinds.
func TroubleKinds() []TroubleKind {
	return []TroubleKind{
		TroubleMajorityLost, TroubleNew, TroubleElecting, TroubleNoLeader, TroubleDeleting, TroubleDisputed, TroubleDamaged,
		TroubleUnreachable, TroubleJoint, TroubleLearner, TroubleMoving, TroubleLagging, TroubleRemoving,
	}
}

// Trouble is a reason for which a shard is not steady.
type Trouble struct {
	Kind TroubleKind
	// Text is for people. It may have figures that change while the reason does not.
	Text string
}

// laggingAfter is by how many entries a replica is behind that is told of.
const laggingAfter = 10_000

// diagnosis is the troubles of one shard, as they are found.
type diagnosis struct {
	*ShardSnapshot
	servers map[replication.ServerID]ServerSnapshot
	now     time.Time
	found   []Trouble
}

// troubles says why a shard is not steady: nothing if it is.
func troubles(s *ShardSnapshot, servers map[replication.ServerID]ServerSnapshot, now time.Time) []Trouble {
	d := &diagnosis{ShardSnapshot: s, servers: servers, now: now}
	switch {
	case s.Document.Status == replication.StatusDeleted || s.Namespace == "":
		d.deleting()
		return d.found
	case s.Document.Version == 0:
		d.tell(TroubleNew, "it has no leader yet%s", d.unheard(s.Wanted))
		return d.found
	}
	d.leaderless()
	d.members()
	d.change()
	return d.found
}

func (d *diagnosis) tell(kind TroubleKind, format string, args ...any) {
	d.found = append(d.found, Trouble{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// unheard says which of some servers are not heard, and why.
func (d *diagnosis) unheard(servers []replication.ServerID) string {
	var missing []string
	for _, id := range servers {
		if !d.servers[id].Reachable {
			missing = append(missing, d.missing(id))
		}
	}
	if missing == nil {
		return ""
	}
	return ", and waits for " + strings.Join(missing, " and ")
}

// missing says that a server is out of reach. Why it is, is told of the server, and not of each
// of its shards.
func (d *diagnosis) missing(id replication.ServerID) string {
	s := d.servers[id]
	text := fmt.Sprintf("%s (out of reach", id)
	if !s.Since.IsZero() {
		text += " for " + ago(d.now, s.Since)
	}
	return text + ")"
}

// ago is a time that has passed, in words of at most three digits or so.
func ago(now, since time.Time) string {
	d := now.Sub(since)
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func (d *diagnosis) deleting() {
	var left []string
	for _, r := range d.Replicas {
		if r.Reachable {
			left = append(left, string(r.Server))
		} else {
			left = append(left, d.missing(r.Server))
		}
	}
	switch {
	case len(left) > 0:
		d.tell(TroubleDeleting, "its namespace was deleted, and replicas are left on %s", strings.Join(left, ", "))
	case d.Document.Status != replication.StatusDeleted:
		d.tell(TroubleDeleting, "its namespace was deleted")
	}
}

// leaderless says why nobody leads, or serves.
func (d *diagnosis) leaderless() {
	since := ""
	if !d.Since.IsZero() {
		since = " for " + ago(d.now, d.Since)
	}
	lost := d.lostMajority()
	switch report := d.leaderReport(); {
	case lost != "":
		d.tell(TroubleMajorityLost, "%s: it serves again when enough of them are back; if they are lost for good, recover it from those that are left",
			lost)
	case d.Leader == "" && d.Electing != "":
		d.tell(TroubleElecting, "no leader%s: elects one in term %d, because of %s", since, d.Term, d.Electing)
	case d.Leader == "":
		d.tell(TroubleElecting, "no leader%s: elects one in term %d", since, d.Term)
	case !d.servers[d.Leader].Reachable:
		d.tell(TroubleNoLeader, "its leader is on %s", d.missing(d.Leader))
	case report != nil && report.GetTerm() == int64(d.Term) && !report.GetServing():
		d.tell(TroubleNoLeader, "its leader on %s does not serve: it reaches no majority", d.Leader)
	}
}

// leaderReport is what was told of the leader's replica last.
func (d *diagnosis) leaderReport() *api.ReplicaReport {
	for _, r := range d.Replicas {
		if r.Server == d.Leader && r.Report.GetRole() == api.ReplicaReport_ROLE_LEADER {
			return r.Report
		}
	}
	return nil
}

// lostMajority says which voters are out of reach, if they are too many.
func (d *diagnosis) lostMajority() string {
	for _, ensemble := range [][]replication.DocumentMember{d.Document.Ensemble, d.Document.Joining} {
		var missing []string
		for _, m := range ensemble {
			if !d.servers[m.Server].Reachable {
				missing = append(missing, d.missing(m.Server))
			}
		}
		if n := len(ensemble); n > 0 && n-len(missing) <= n/2 {
			return fmt.Sprintf("%d of %d replicas are out of reach, on %s", len(missing), n, strings.Join(missing, ", "))
		}
	}
	return ""
}

// members says which replicas are not as they should be.
func (d *diagnosis) members() {
	lost := len(d.found) > 0 && d.found[0].Kind == TroubleMajorityLost
	for i := range d.Replicas {
		r := &d.Replicas[i]
		voter := r.Standing == StandingVoter || r.Standing == StandingJoining
		switch {
		case !voter:
		case !r.Reachable && !lost:
			d.tell(TroubleUnreachable, "the replica on %s is missing; a majority is there", d.missing(r.Server))
		case r.Reachable && r.Report.GetNeedsOffset() != 0:
			d.tell(TroubleDamaged, "the replica on %s lost data, or has it otherwise than the others; a snapshot up to %d is to repair it%s",
				r.Server, r.Report.GetNeedsOffset(), arriving(r.Report))
		case r.Reachable && r.Lag > laggingAfter:
			d.tell(TroubleLagging, "the replica on %s is %d entries behind%s", r.Server, r.Lag, arriving(r.Report))
		}
	}
	for _, m := range d.leaderReport().GetMembers() {
		if m.GetDisputed() && m.GetNeedsOffset() == 0 {
			d.tell(TroubleDisputed, "the states on %s and %s differ; too few agree to tell who is right", d.Leader, m.GetServer())
		}
	}
}

// arriving says that a snapshot is on its way.
func arriving(r *api.ReplicaReport) string {
	if !r.GetInstalling() {
		return ""
	}
	return fmt.Sprintf("; %d bytes of a snapshot have arrived", r.GetInstalledBytes())
}

// change says how far the members are from what is wanted.
func (d *diagnosis) change() {
	doc := &d.Document
	if len(doc.Joining) > 0 {
		d.tell(TroubleJoint, "moves from %s to %s: both decide", names(doc.Ensemble), names(doc.Joining))
	}
	for i := range d.Replicas {
		switch r := &d.Replicas[i]; {
		case r.Standing == StandingLearner && !r.Reachable:
			d.tell(TroubleLearner, "the new replica on %s does not catch up", d.missing(r.Server))
		case r.Standing == StandingLearner:
			d.tell(TroubleLearner, "the new replica on %s catches up: %d entries behind%s", r.Server, r.Lag, arriving(r.Report))
		case r.Standing == StandingRemoved && !r.Reachable:
			d.tell(TroubleRemoving, "a replica that left is to be deleted from %s", d.missing(r.Server))
		case r.Standing == StandingRemoved:
			d.tell(TroubleRemoving, "a replica that left is being deleted from %s", r.Server)
		}
	}
	var elsewhere []replication.ServerID
	for _, id := range d.Wanted {
		if !slices.ContainsFunc(doc.Members(), func(m replication.DocumentMember) bool { return m.Server == id }) {
			elsewhere = append(elsewhere, id)
		}
	}
	settled := len(doc.Joining) == 0 && len(doc.Learners) == 0
	if settled && (len(elsewhere) > 0 || len(d.Wanted) != len(doc.Ensemble)) {
		d.tell(TroubleMoving, "is to be on %s, and is on %s%s", join(d.Wanted), names(doc.Ensemble), d.unheard(elsewhere))
	}
}

func names(members []replication.DocumentMember) string {
	var ids []replication.ServerID
	for _, m := range members {
		ids = append(ids, m.Server)
	}
	return join(ids)
}

func join(ids []replication.ServerID) string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = string(id)
	}
	return strings.Join(text, ", ")
}
