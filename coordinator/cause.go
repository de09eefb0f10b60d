package coordinator

import (
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// Cause is why an election was held, as far as a coordinator can tell.
type Cause string

// The causes.
const (
	// CauseNewShard: the shard had no document yet.
	CauseNewShard Cause = "new_shard"
	// CauseEnsemble: the shard's members change.
	CauseEnsemble Cause = "ensemble_change"
	// CauseServerLost: the connection to the leader's server is broken, or refused.
	CauseServerLost Cause = "server_lost"
	// CauseDraining: the leader's server is about to stop.
	CauseDraining Cause = "server_draining"
	// CauseRetry: the election before did not end with a leader.
	CauseRetry Cause = "retry"
	// CauseUnheard: the members do not hear the leader, or it asked to be replaced.
	CauseUnheard Cause = "leader_unheard"
)

// Causes are all causes.
func Causes() []Cause {
	return []Cause{CauseNewShard, CauseEnsemble, CauseServerLost, CauseDraining, CauseRetry, CauseUnheard}
}

// Observer is told what a coordinator does, for metrics. Its methods do not block; they
// are called by several goroutines.
type Observer interface {
	// ElectionBegan is told when a term was claimed.
	ElectionBegan(Cause)
	// ElectionEnded is told when its leader serves, and how long that took since the
	// claim was begun.
	ElectionEnded(Cause, time.Duration)
	// DocumentsStored is told of each write of shards' documents: how many, how long it
	// took, and of how many the outcome is not known.
	DocumentsStored(documents int, took time.Duration, unknown int)
	// MovePlanned is told when something is to move, MoveEnded when it did, or did not.
	MovePlanned(Moved, plan.Kind)
	MoveEnded(what Moved, kind plan.Kind, done bool)
	// Leading is told when leadership among coordinators begins and ends.
	Leading(bool)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) ElectionBegan(Cause)                     {}
func (nobody) ElectionEnded(Cause, time.Duration)      {}
func (nobody) DocumentsStored(int, time.Duration, int) {}
func (nobody) MovePlanned(Moved, plan.Kind)            {}
func (nobody) MoveEnded(Moved, plan.Kind, bool)        {}
func (nobody) Leading(bool)                            {}

// causeOf says why a document begins a term that follows another's. The view is locked.
func (v *view) causeOf(before *replication.Document, doc *replication.Document) Cause {
	if before == nil {
		return CauseNewShard
	}
	leader := v.servers[before.Leader.Server]
	switch {
	case len(before.Joining) > 0 || len(doc.Joining) > 0:
		return CauseEnsemble
	case before.Status == replication.StatusElecting:
		return CauseRetry
	case leader != nil && leader.state.GetDraining():
		return CauseDraining
	case leader != nil && leader.gone:
		return CauseServerLost
	}
	return CauseUnheard
}
