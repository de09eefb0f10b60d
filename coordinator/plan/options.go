package plan

import (
	"time"

	"github.com/ostraka-db/ostraka/api"
)

// Options say how much is done at a time, and how soon. All are above zero.
type Options struct {
	// Changes is how many shards change their ensembles at a time, ChangesPerServer how many
	// of them give one server a replica, or take one from it. A change that does not get
	// on is not counted.
	Changes, ChangesPerServer int
	// Transfers is how many leaderships move at a time.
	Transfers int
	// Interval is the time in which the balancer begins at most MovesPerInterval moves of
	// replicas, and TransfersPerInterval of leaderships. What operators asked for
	// (servers removed or drained, replication factors) is not counted.
	Interval                               time.Duration
	MovesPerInterval, TransfersPerInterval int
	// Quarantine is for how long a shard is left alone whose change, or whose transfer, did
	// not succeed.
	Quarantine time.Duration
	// Rest is for how long the balancer leaves a replica alone that was moved, LoadRest for
	// how long it moves nothing of a shard for its load.
	Rest, LoadRest time.Duration
	// StuckAfter is after how long without progress a change is given up.
	StuckAfter time.Duration
	// TargetLost is how long a server may be away before a change that is to give it a
	// replica is given up.
	TargetLost time.Duration
	// TransferWithin is how long a transfer may take.
	TransferWithin time.Duration
	// SteadyFor is how long a server must have been reachable before it is given
	// replicas, LeadersAfter before it is given leaderships: one that comes and goes
	// gets neither.
	SteadyFor, LeadersAfter time.Duration
	// LongAway is after how long away a server is not given replicas of new shards
	// either, where another can be.
	LongAway time.Duration
}

// The limits of what runs at a time, and the times, where the configuration says
// nothing of them.
const (
	// DefaultChanges lets copies run side by side without taking the disks from those
	// who serve; half of it would leave six servers idle.
	DefaultChanges          = 16
	DefaultChangesPerServer = 4
	DefaultTransfers        = 8

	DefaultInterval             = 30 * time.Second
	DefaultMovesPerInterval     = 64
	DefaultTransfersPerInterval = 64

	DefaultQuarantine     = 5 * time.Minute
	DefaultRest           = 5 * time.Minute
	DefaultLoadRest       = time.Hour
	DefaultStuckAfter     = 2 * time.Minute
	DefaultTargetLost     = 30 * time.Second
	DefaultTransferWithin = 5 * time.Second
	DefaultSteadyFor      = 5 * time.Second
	DefaultLeadersAfter   = time.Minute
	DefaultLongAway       = 5 * time.Minute
)

// DefaultOptions are the options of a coordinator that was told nothing else.
func DefaultOptions() *Options {
	return &Options{
		Changes: DefaultChanges, ChangesPerServer: DefaultChangesPerServer, Transfers: DefaultTransfers,
		Interval: DefaultInterval, MovesPerInterval: DefaultMovesPerInterval, TransfersPerInterval: DefaultTransfersPerInterval,
		Quarantine: DefaultQuarantine, Rest: DefaultRest, LoadRest: DefaultLoadRest, StuckAfter: DefaultStuckAfter, TargetLost: DefaultTargetLost,
		TransferWithin: DefaultTransferWithin, SteadyFor: DefaultSteadyFor, LeadersAfter: DefaultLeadersAfter,
		LongAway: DefaultLongAway,
	}
}

// With returns the options as a configuration's loadBalancer has them: its
// scheduleInterval is Interval, its quarantineTime Quarantine. Where it says nothing, they
// are as they were. Who wants the balancer soon gives leaderships soon, too: LeadersAfter is
// two intervals at most.
func (o Options) With(c *api.LoadBalancer) *Options {
	for _, one := range []struct {
		text string
		to   *time.Duration
	}{{c.GetScheduleInterval(), &o.Interval}, {c.GetQuarantineTime(), &o.Quarantine}} {
		// A configuration is valid; what is no duration says nothing.
		if d, err := time.ParseDuration(one.text); err == nil {
			*one.to = d
		}
	}
	o.LeadersAfter = min(o.LeadersAfter, 2*o.Interval)
	return &o
}
