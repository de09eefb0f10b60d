package sim

import (
	"fmt"
	"time"
)

// faultKind is a kind of fault: how often it strikes where it is on, how long it
// lasts, and what it does.
type faultKind struct {
	name string
	// rate is per minute, lasts how long, takes what Fault.Duration is, on average.
	rate         float64
	lasts, takes time.Duration
	describe     func(f *Fault) string
	// begin lets the fault strike, and reports whether it did. end, if there is one,
	// is called when it is over, and only if it did.
	begin func(x *faults, f *Fault) bool
	end   func(x *faults, f *Fault)
}

var table [kinds]faultKind

func init() {
	of := func(f *Fault) string { return "of " + name(f.Server) }
	table = [kinds]faultKind{
		Loss: {
			name: "loss", rate: 5, lasts: 4 * time.Second, begin: beginLoss, end: endLoss,
			describe: func(f *Fault) string { return fmt.Sprintf("of %.0f %%", 100*mostHappens*f.Rate*f.Rate) },
		},
		Copies: {name: "copies", rate: 5, lasts: 4 * time.Second, begin: beginCopies, end: endCopies},
		Delay: {
			name: "delay", rate: 5, lasts: 4 * time.Second, takes: 50 * time.Millisecond,
			begin: beginDelay, end: endDelay,
			describe: func(f *Fault) string { return fmt.Sprintf("of %v", f.Duration) },
		},
		Partition: {name: "partition", rate: 5, lasts: 4 * time.Second, begin: beginPartition, end: endPartition},
		OneWay:    {name: "one-way", rate: 6, lasts: 3 * time.Second, begin: beginOneWay, end: endOneWay, describe: of},
		Kill:      {name: "kill", rate: 4, lasts: 2 * time.Second, begin: beginKill, end: endKill, describe: of},
		PowerLoss: {name: "power-loss", rate: 2, lasts: time.Second, begin: beginPowerLoss, end: endPowerLoss},
		Pause:     {name: "pause", rate: 5, lasts: time.Second, begin: beginPause, end: endPause, describe: of},
		Skew:      {name: "skew", rate: 4, takes: time.Hour, begin: beginSkew, describe: of},
		Drift:     {name: "drift", rate: 6, lasts: 5 * time.Second, begin: beginDrift, end: endDrift, describe: of},
		Jump:      {name: "jump", rate: 6, takes: 2 * time.Second, begin: beginJump, describe: of},
		SlowDisk: {
			name: "slow-disk", rate: 4, lasts: 3 * time.Second, takes: 300 * time.Millisecond,
			begin: beginSlowDisk, end: endSlowDisk, describe: of,
		},
		SlowWork: {
			name: "slow-work", rate: 4, lasts: 3 * time.Second, takes: 300 * time.Millisecond,
			begin: beginSlowWork, end: endSlowWork, describe: of,
		},
		FullDisk:  {name: "full-disk", rate: 4, lasts: 2 * time.Second, begin: beginFullDisk, end: endFullDisk, describe: of},
		DiskError: {name: "disk-error", rate: 6, begin: beginDiskError, describe: of},
		LogRot:    {name: "log-rot", rate: 2, begin: beginLogRot, describe: of},
		TableRot:  {name: "table-rot", rate: 2, takes: time.Second, begin: beginTableRot, describe: of},
		Wipe:      {name: "wipe", rate: 2, lasts: time.Second, begin: beginWipe, end: endKill, describe: of},
		StoreCut:  {name: "store-cut", rate: 4, lasts: 3 * time.Second, begin: beginStoreCut, end: endStoreCut, describe: of},
		StoreDeaf: {name: "store-deaf", rate: 4, lasts: 3 * time.Second, begin: beginStoreDeaf, end: endStoreDeaf, describe: of},
		StoreSlow: {
			name: "store-slow", rate: 4, lasts: 5 * time.Second, takes: 500 * time.Millisecond,
			begin: beginStoreSlow, end: endStoreSlow, describe: of,
		},
		Wish: {
			name: "wish", rate: 4, begin: beginWish,
			describe: func(f *Fault) string { return fmt.Sprintf("for shard %d", f.Shard) },
		},
		Trim: {name: "trim", rate: 6, begin: beginTrim, describe: of},
		Isolate: {
			name: "isolate-leader", rate: 8, lasts: 4 * time.Second, begin: beginIsolate, end: endIsolate,
			describe: func(f *Fault) string { return fmt.Sprintf("of shard %d", f.Shard) },
		},
		KillLeader: {
			name: "kill-leader", rate: 3, lasts: 2 * time.Second, begin: beginKillLeader, end: endKillLeader,
			describe: func(f *Fault) string { return fmt.Sprintf("of shard %d", f.Shard) },
		},
		Move: {
			name: "move-leader", rate: 6, begin: beginMove,
			describe: func(f *Fault) string { return fmt.Sprintf("of shard %d to %s", f.Shard, name(f.Server)) },
		},
		Drain: {name: "drain", rate: 3, lasts: 2 * time.Second, begin: beginDrain, end: endDrain, describe: of},
	}
}
