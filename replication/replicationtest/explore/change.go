package explore

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Rule 8, the coordinators' side.

// expandChange: a coordinator goes on with the change that is wished for, or is
// told that none is wished any more.
func (x *Explorer) expandChange(w *world, i uint32, c *coordinator, out emit) {
	doc := x.documents.things[w.doc]
	if len(x.config.Wish) == 0 {
		return
	}
	if doc.Status == replication.StatusSteady && c.state.Phase == "watching" {
		x.run(x.copy(w), action{changeEnsemble, i}, i, 0, func(e *errand) { e.change(x.config.Wish) }, out)
	}
	if next, ok := x.spend(w, withdrawals); ok {
		x.run(next, action{withdraw, i}, i, 0, func(e *errand) {
			var servers []replication.ServerID
			for _, m := range x.firstMembers() {
				servers = append(servers, m.Server)
			}
			e.step(replication.ChangeEnsemble{Servers: servers})
		}, out)
	}
}

// change drives the election to the next compare-and-set of a change, or to where
// only an answer of a leader or of a removed replica helps. That learners have
// caught up is made up, as far as they are: it is about when to change, and no
// safety may rest on it.
func (e *errand) change(wish []replication.ServerID) {
	c := &e.coordinator
	for _, server := range e.x.names {
		e.step(replication.PeerHeard{Server: server, Run: 1, Incarnation: 1})
	}
	for range 8 {
		state := c.election.State()
		switch {
		case c.call != nil:
			return
		case state.Phase == "watching" && state.Document.Status == replication.StatusSteady:
			c.nonce = 0
			e.step(replication.ChangeEnsemble{Servers: wish})
			e.caughtUp()
			if c.call == nil && e.tick() {
				return
			}
		case state.Phase == "watching" || state.Phase == "loading":
			if e.tick() {
				return
			}
		default:
			return
		}
	}
}

// caughtUp answers the questions to the leader and the learners.
func (e *errand) caughtUp() {
	c := &e.coordinator
	doc := c.election.State().Document
	for _, m := range append([]replication.DocumentMember{{Member: doc.Leader}}, doc.Learners...) {
		role := replication.RoleFollower
		if m.Member == doc.Leader {
			role = replication.RoleLeader
		}
		if c.nonce != 0 && c.call == nil {
			e.step(e.from(m.Member, replication.ProbeReply{Nonce: c.nonce, Term: doc.Term, Role: role, Run: 1, Serving: role == replication.RoleLeader}))
		}
	}
}

// electorate is who may elect, as a document says.
type electorate struct {
	members []voter
	// quorums are the smallest sets of members that decide, as bits.
	quorums []uint8
}

type voter struct {
	server  int
	replica replication.ReplicaID
}

// newElectorate counts by the letter of rule 8, whatever the core does: a
// majority of the ensemble, and of the joining one if there is one.
func newElectorate(doc *replication.Document) electorate {
	var e electorate
	for _, m := range slices.Concat(doc.Ensemble, doc.Joining) {
		if v := (voter{int(m.Server[1] - '1'), m.Replica}); !slices.Contains(e.members, v) {
			e.members = append(e.members, v)
		}
	}
	majority := func(members []replication.DocumentMember, set uint8) bool {
		count := 0
		for _, m := range members {
			if set&(1<<slices.Index(e.members, voter{int(m.Server[1] - '1'), m.Replica})) != 0 {
				count++
			}
		}
		return 2*count > len(members)
	}
	for set := range uint8(1 << len(e.members)) {
		smaller := slices.ContainsFunc(e.quorums, func(q uint8) bool { return q&set == q })
		if !smaller && majority(doc.Ensemble, set) && (len(doc.Joining) == 0 || majority(doc.Joining, set)) {
			e.quorums = append(e.quorums, set)
		}
	}
	return e
}

// names are the servers of a set of voters.
func (e *electorate) names(set uint8) []string {
	var names []string
	for i, m := range e.members {
		if set&(1<<i) != 0 {
			names = append(names, serverName(m.server))
		}
	}
	return names
}

// checkDocument: whoever may elect after a change of the document has what is
// committed.
func (x *Explorer) checkDocument(before uint32, next *world) string {
	voters := &x.electorates[next.doc]
	if slices.Equal(voters.members, x.electorates[before].members) && slices.Equal(voters.quorums, x.electorates[before].quorums) {
		return ""
	}
	all := x.serversOf(next)
	return x.histories.things[next.history].checkSurvival(&all, voters)
}

// checkDeleted: no replica is removed that belongs to its shard.
func (x *Explorer) checkDeleted(next *world, n *news, server int) string {
	doc := x.documents.things[next.doc]
	if slices.ContainsFunc(doc.Members(), func(m replication.DocumentMember) bool { return m.Member == n.deleted }) {
		return "members stay: " + serverName(server) + " removes " + n.deleted.String() + ", which belongs to the shard"
	}
	return ""
}
