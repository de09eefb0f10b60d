package explore

import "github.com/ostraka-db/ostraka/replication"

// Config is a space to explore: where it begins, and how far it goes.
type Config struct {
	Name string
	// Start is a script that leads to the first state: see script.
	Start []string
	// Terms is the highest term that a coordinator may claim.
	Terms int
	// Coordinators is how many take part, at most two.
	Coordinators int
	// Ensemble is how many servers hold a replica at the beginning, from s1 on; all
	// if zero. Wish are the servers that are to hold one (rule 8).
	Ensemble int
	Wish     []replication.ServerID
	Budget   Budget
	// LazyApply and LazyReads make the state machine and the log answer in steps
	// of their own; otherwise they answer at once.
	LazyApply, LazyReads bool
	// OneEntry makes each Append carry one entry at most.
	OneEntry bool
	// KeepStale keeps messages of past terms under way that the intact core would
	// never react to.
	KeepStale bool
	// Leaderships is how many shards each server says that it leads, by which the
	// choice of a leader is tilted among those that are eligible.
	Leaderships [servers]int
	// Publish lets coordinators hear that a leader is ready, and publish it.
	Publish bool
}

// mute reports whether a message never arrives: what only says when to elect, for
// which there is an action, and what only a Node reads.
func (c *Config) mute(m replication.Message) bool {
	switch m.(type) {
	case replication.AskElection, replication.Assign, replication.Probe, replication.ProbeReply:
		return true
	case replication.BecomeLeaderReply:
		return !c.Publish
	}
	return false
}

// WithoutRollbacks is the same, but that the metadata store is not restored.
func (c Config) WithoutRollbacks() Config {
	c.Budget[rollbacks] = 0
	return c
}
