package plan

import "github.com/ostraka-db/ostraka/replication"

// Explanation is what the planner would do next, and why not more.
type Explanation struct {
	// Next are the actions that are missing now, without regard to how many may be carried
	// out at a time; MaxExplained at most.
	Next []Action
	// Held are the reasons for which some of them are not carried out yet.
	Held []Note
	// Notes are what is wanted and cannot be done at all, for now.
	Notes []Note
	// Servers are what each has, in the order of the status.
	Servers []ServerBalance
}

// MaxExplained bounds an explanation's actions.
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
