package replicationtest

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// handID is the server that the script's own messages come from.
const handID replication.ServerID = "hand"

// hand plays the coordinator in stories that need one that does exactly as
// told, right or wrong.
type hand struct {
	cluster *Cluster
	heads   map[replication.TermID][]replication.MemberHead
}

func newHand(c *Cluster) *hand {
	return &hand{cluster: c, heads: map[replication.TermID][]replication.MemberHead{}}
}

func (h *hand) receive(e replication.Envelope) {
	reply, ok := e.Message.(replication.NewTermReply)
	if ok && reply.Refused == 0 {
		member := replication.Member{Server: e.From, Replica: e.FromReplica}
		heads := slices.DeleteFunc(h.heads[reply.Term], func(m replication.MemberHead) bool { return m.Member == member })
		h.heads[reply.Term] = append(heads, replication.MemberHead{Member: member, Head: reply.Head})
	}
}

func (h *hand) send(to *server, replica replication.ReplicaID, m replication.Message) {
	h.cluster.post(replication.Envelope{
		From: handID, FromRun: 1, To: to.id, ToReplica: replica, Shard: Shard, Message: m,
	})
}

// newTerm fences servers.
func (h *hand) newTerm(term replication.TermID, servers []*server) {
	for _, s := range servers {
		h.send(s, s.replica, replication.NewTerm{Term: term})
	}
}
