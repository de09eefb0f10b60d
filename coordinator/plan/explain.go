package plan

import (
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// Explanation is what the planner would do next, and why not more.
type Explanation struct {
	// Next are the actions that are missing now, without regard to how many may be carried
	// out at a time; MaxExplained at most. They are what Plan would return, were there
	// room: as they succeed or fail, others may follow.
	Next []Action
	// Held are the reasons for which some of them are not carried out yet.
	Held []Note
	// Notes are what is wanted and cannot be done at all, for now.
	Notes []Note
	// Servers are what each has, in the order of the status.
	Servers []ServerBalance
}

// MaxExplained bounds an explanation's actions, and its reasons.
const MaxExplained = 100

// ServerBalance is what a server has of a cluster.
type ServerBalance struct {
	Server replication.ServerID
	// Replicas are those that are wanted on it, Leaders those that it leads.
	Replicas, Leaders int
	// Load is the sum of its replicas'. The reads are those of the shards that it leads.
	Load Load
	// NoReplicas and NoLeaders say why it is given none at present; empty if it may be.
	NoReplicas, NoLeaders string
}

// Explain returns what Plan would do next, and why not more of it.
func Explain(desired *api.ClusterConfiguration, observed Observed) Explanation {
	now := newPlanning(desired, observed)
	now.look()
	var e Explanation
	for i := range now.status.Servers {
		s := &now.picture.servers[i]
		e.Servers = append(e.Servers, ServerBalance{
			Server: s.Name, Replicas: s.replicas, Leaders: s.leaders, Load: s.load, NoReplicas: s.noReplicas, NoLeaders: s.noLeaders,
		})
	}
	now = newPlanning(desired, observed)
	now.run()
	e.Notes, e.Held = now.decision.Notes, now.held
	for i := range now.picture.servers {
		if s := &now.picture.servers[i]; s.held {
			e.Held = append(e.Held, Note{About: "server " + string(s.Name), Reason: fmt.Sprintf(
				"%d shards that change concern it, of at most %d at a time", s.changes, now.options.ChangesPerServer)})
		}
	}
	roomy := *now.options
	roomy.Changes, roomy.ChangesPerServer, roomy.MovesPerInterval = explained(now.picture.changes, roomy.Changes)
	roomy.Transfers, _, roomy.TransfersPerInterval = explained(now.picture.transfers, roomy.Transfers)
	observed.Options = &roomy
	all := newPlanning(desired, observed)
	all.run()
	e.Next = all.decision.Actions[:min(len(all.decision.Actions), MaxExplained)]
	return e
}

// explained are limits that leave room for what is explained, but for no more.
func explained(underWay, limit int) (atOnce, ofServer, inInterval int) {
	atOnce = max(limit, underWay) + MaxExplained
	return atOnce, atOnce, 2*atOnce + MaxExplained
}
