package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// Config is what a cluster is like: all of it follows from the seed.
type Config struct {
	Seed uint64
	// For is how long faults go on, in simulated time.
	For time.Duration

	Servers, Shards, Replicas int
	// Coordinators is how many servers are coordinator candidates of a shard.
	Coordinators int
	Options      replication.Options
	Log          wal.Options
	// Spare says that each server's log has another disk to go over to.
	Spare bool
	// CheckEvery is that of kv.Options.
	CheckEvery int64

	Clients int
	// Sessions says that clients use sessions too.
	Sessions bool
	// Settings are those of the shards' state machines; nil for none.
	Settings []byte
	// Keys is how many registers a shard has, ValueBytes the most that is in one.
	Keys, ValueBytes int
	// Think is how long a client rests between two requests, on average, and
	// ClientTimeout how long it waits.
	Think, ClientTimeout time.Duration

	// How long things take, on average, without faults.
	NetworkTakes, StoreTakes, SyncTakes, WorkTakes, StepTakes time.Duration
	// RestartAfter is when a process is started again that its disk ended.
	RestartAfter time.Duration
	// FlushEvery is how often a server flushes and trims, but for KeepEntries; never
	// if zero.
	FlushEvery  time.Duration
	KeepEntries replication.Offset

	// Rates is how often faults of a kind strike in a minute; zero is never.
	Rates [kinds]float64
}

// Draw returns what follows from a seed: a configuration, and a schedule of faults.
// Each kind of fault is on or off for a whole simulation, so that some meet few of
// them and go far.
func Draw(seed uint64, length time.Duration) Scenario {
	c := drawConfig(stream(seed, streamConfig))
	c.Seed, c.For = seed, length
	faults := drawSchedule(&c, stream(seed, streamSchedule))
	if slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == LogRot }) {
		// A server that has given a replica up says so to who sends to it, the leader.
		// Coordinators elsewhere are to hear of it from its health stream, which is not
		// there yet.
		c.Coordinators = c.Servers
	}
	return Scenario{Config: c, Faults: faults}
}

func drawConfig(r *rand.Rand) Config {
	c := Config{
		Servers: pick(r, 1, 2, 3, 3, 3, 3, 4, 5, 5, 6, 7), Shards: pick(r, 1, 1, 1, 2, 2, 3, 4, 8),
		Clients: 2 + r.IntN(5), Keys: 1 + r.IntN(5), ValueBytes: pick(r, 0, 0, 40, 400),
		ClientTimeout: time.Duration(300+r.IntN(2000)) * time.Millisecond,
		NetworkTakes:  time.Duration(50+r.IntN(3000)) * time.Microsecond,
		StoreTakes:    time.Duration(1+r.IntN(20)) * time.Millisecond,
		SyncTakes:     time.Duration(100+r.IntN(8000)) * time.Microsecond,
		WorkTakes:     time.Duration(20+r.IntN(1000)) * time.Microsecond,
		StepTakes:     time.Duration(r.IntN(100)) * time.Microsecond,
		RestartAfter:  time.Duration(100+r.IntN(2000)) * time.Millisecond,
		CheckEvery:    pick[int64](r, 1, 2, 5, 16, 1024),
	}
	// Few have more than three replicas, as everywhere.
	c.Replicas = min(c.Servers, pick(r, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5))
	c.Coordinators = c.Servers
	if r.IntN(4) == 0 {
		c.Coordinators = 1 + r.IntN(c.Servers)
	}
	// All clients together make one to eight requests in a second.
	c.Think = time.Duration(float64(c.Clients) / (1 + 7*r.Float64()) * float64(time.Second))
	if r.IntN(4) > 0 {
		c.FlushEvery = time.Duration(2000+r.IntN(8000)) * time.Millisecond
		c.KeepEntries = replication.Offset(pick(r, 0, 0, 3, 20))
	}
	c.Options = drawOptions(r)
	c.Log = drawLog(r)
	c.Spare = r.IntN(3) == 0
	for k := range c.Rates {
		if table[k].rate > 0 && r.IntN(100) < 40 {
			c.Rates[k] = table[k].rate * (0.2 + r.ExpFloat64())
		}
	}
	c.Sessions = r.IntN(2) == 0
	if r.IntN(2) == 0 {
		c.Settings = drawSettings(r)
	}
	return c
}

// drawSettings draws what state machines are told, of which nothing that clients here
// see may depend.
func drawSettings(r *rand.Rand) []byte {
	return encode(&api.ShardSettings{
		Namespace: "sim", MaxHashInclusive: math.MaxUint32, KeyOrder: pick(r, api.KeyOrder_KEY_ORDER_HIERARCHICAL, api.KeyOrder_KEY_ORDER_NATURAL),
		NotificationsDisabled: r.IntN(4) == 0, NotificationRetentionMs: pick[int64](r, 0, 1000, 10_000),
	})
}

func drawOptions(r *rand.Rand) replication.Options {
	o := replication.DefaultOptions()
	o.Barrier = kv.BarrierPayload()
	// Beats are most of what happens in a quiet cluster: few simulations have them as
	// often as by default.
	slower := time.Duration(pick(r, 1, 4, 6, 8, 10))
	o.BeatEvery, o.SilentAfter, o.ResendAfter = o.BeatEvery*slower, o.SilentAfter*slower, o.ResendAfter*slower
	o.CommitAfter, o.QuestionFor = o.CommitAfter*min(slower, 2), o.QuestionFor*min(slower, 3)
	o.MaxAppendBytes = pick(r, 1, 100, 1000, o.MaxAppendBytes)
	o.MaxInflight = pick(r, 1, 4, 64, o.MaxInflight)
	// What comes too early and is not kept comes again after ResendAfter: with many
	// messages under way and room for one, a learner would never catch up.
	o.MaxEarly = max(pick(r, 1, 4, o.MaxEarly), min(o.MaxInflight, 32))
	o.TailBytes = pick(r, 1, 200, 2000, o.TailBytes)
	o.MaxApplyBytes = pick(r, 1, 300, o.MaxApplyBytes)
	// A state grows with every entry, since nobody trims its notifications here: in parts
	// of fewer bytes, a replica would not be made anew in the time that it has.
	o.MaxSnapshotBytes = pick(r, 50, 100, 1000, o.MaxSnapshotBytes)
	o.MaxLag = pick(r, 1, 10, o.MaxLag)
	o.MaxPending = pick(r, 2, 20, o.MaxPending)
	o.MaxReads = pick(r, 2, 20, o.MaxReads)
	o.MaxMail = pick(r, 16, o.MaxMail, o.MaxMail)
	o.MaxRequests = pick(r, 8, o.MaxRequests, o.MaxRequests)
	return o
}

func drawLog(r *rand.Rand) wal.Options {
	return wal.Options{
		SegmentBytes:    pick[int64](r, 4<<10, 8<<10, 16<<10, 64<<10),
		CacheBytes:      pick[int64](r, 1, 1000, 1<<20),
		IndexEveryBytes: pick[int64](r, 1, 300, 4<<10),
		MaxQueuedBytes:  1 << 20,
		CarryAboveBytes: pick[int64](r, 8<<10, 32<<10, 1<<20),
	}
}

// pick draws one of some values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }
