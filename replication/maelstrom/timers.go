package maelstrom

import (
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/maelstrom/overlay"
)

// DefaultOptions are the core's options for Maelstrom's network: messages take 10
// ms on average and now and then five times that, and a message of everything
// must fit into a line.
func DefaultOptions() replication.Options {
	o := replication.DefaultOptions()
	o.ResendAfter = 150 * time.Millisecond
	o.CommitAfter = time.Second
	o.BeatEvery = 60 * time.Millisecond
	o.SilentAfter = 300 * time.Millisecond
	o.QuestionFor = 150 * time.Millisecond
	o.GraceFor = 15 * time.Millisecond
	o.LeadWithin = 300 * time.Millisecond
	o.ElectWithin = 800 * time.Millisecond
	o.BackoffMost = 60 * time.Millisecond
	o.StoreWithin = 500 * time.Millisecond
	// As JSON an entry takes up to two and a half times what it counts for here.
	o.MaxAppendBytes = 16 << 10
	o.MaxSnapshotBytes = 16 << 10
	o.Barrier = kv.BarrierPayload()
	return o
}

// overlayOptions follow the beats: three that are missing are a cut link.
func overlayOptions(o replication.Options) overlay.Options {
	return overlay.Options{
		HeardFor:    3 * o.BeatEvery,
		HelloAfter:  o.BeatEvery + o.BeatEvery/4,
		GossipEvery: 50 * time.Millisecond,
		FreshFor:    2 * o.SilentAfter,
	}
}
