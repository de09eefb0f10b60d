package explore

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// steady is the beginning of most stories: s1 leads term 1, everybody has its
// barrier and knows it committed, and nothing is under way.
var steady = []string{"c1 elects", "settle", "lose"}

// overtaken: s1 led term 1 and wrote two entries that nobody else has; then s2
// was made leader of term 2 by s2 and s3, and has its barrier for itself.
var overtaken = []string{
	"c1 elects", "settle", "lose",
	"s1 is asked to write", "s1 is asked to write", "s1 syncs", "s1 syncs", "lose",
	"c2 elects", "c2 stores", "deliver c2>s2 NewTerm", "deliver c2>s3 NewTerm", "s2 syncs", "s3 syncs",
	"deliver s2>c2", "deliver s3>c2", "c2 waits no longer", "deliver c2>s2 BecomeLeader", "s2 syncs", "lose",
}

// outvoted: as overtaken, but s3 has the barrier of term 2 as well, and it is
// committed.
var outvoted = []string{
	"c1 elects", "settle", "lose",
	"s1 is asked to write", "s1 is asked to write", "s1 syncs", "s1 syncs", "lose",
	"c2 elects", "settle c2 s2 s3", "lose",
}

// lacking: everybody has a write, which s3 does not know committed; s1 and s2 have
// another one that s3 lacks, s1 has trimmed it, and a snapshot for s3 is under way.
var lacking = []string{
	"s1 is asked to write", "settle", "lose",
	"s1 is asked to write", "settle s1 s2", "lose", "s1 trims", "s1 syncs", "s1 hears s3",
}

// behind: as lacking, in the first term.
var behind = slices.Concat(steady, lacking)

// handedOver: the same, where s1 leads because s2 was not heard in time; in the
// next term it is s2 that is chosen, which has trimmed nothing.
var handedOver = slices.Concat([]string{
	"c1 elects", "c1 stores", "deliver c1>s1 NewTerm", "deliver c1>s3 NewTerm", "s1 syncs", "s3 syncs",
	"deliver s1>c1", "deliver s3>c1", "c1 waits no longer", "settle", "lose",
}, lacking)

// strayed: as outvoted, but the leader has trimmed its log, and a snapshot for s1,
// which has two entries of its own, is under way.
var strayed = slices.Concat(outvoted, []string{"s2 trims", "s2 syncs", "s2 hears s1"})

// learning: s1 is the only member, and leads term 1. The replica of s2 was made as
// a learner, and is empty.
var learning = slices.Concat(steady, []string{"c1 goes on with the change", "c1 stores", "settle", "lose"})

// joined: as learning; then s2 joined in term 2, which s1 leads. The barrier is
// committed under both ensembles, and word of that is under way.
var joined = slices.Concat(learning, []string{
	"c1 goes on with the change", "c1 stores", "deliver c1>s1 NewTerm", "deliver c1>s2 NewTerm", "s1 syncs", "s2 syncs",
	"deliver s1>c1", "deliver s2>c1", "deliver c1>s1 BecomeLeader", "settle s1 s2",
})

// onS2 is the wish that the shard be on s2 alone.
var onS2 = []replication.ServerID{"s2"}

// Configurations are the spaces that the tests exhaust, small ones first, so
// that a mutation is found soon.
var Configurations = []Config{
	// One reign: what a leader and its followers do with two writes, and where
	// applying takes its time.
	{Name: "lazy", Start: steady, Terms: 1, Coordinators: 1, LazyApply: true, LazyReads: true, Budget: Budget{writes: 1, reads: 1}},
	{Name: "replication", Start: steady, Terms: 1, Coordinators: 1, OneEntry: true,
		Budget: Budget{writes: 2, crashes: 1, duplicates: 1}},
	{Name: "resend", Start: steady, Terms: 1, Coordinators: 1, OneEntry: true, Budget: Budget{writes: 2, ticks: 1}},
	// Three terms: logs that have parted meet again.
	{Name: "outvoted", Start: outvoted, Terms: 3, Coordinators: 1, OneEntry: true},
	{Name: "overtaken", Start: overtaken, Terms: 3, Coordinators: 1, OneEntry: true},
	// Elections by rivals, from nothing; and from a leader, where the choice tends
	// to the least able, with a crash, a copy of a message, and a call of the metadata
	// store of unknown outcome.
	{Name: "rivals", Terms: 1, Coordinators: 2, Budget: Budget{rollbacks: 1}},
	{Name: "elections", Start: steady, Terms: 2, Coordinators: 2, Budget: Budget{crashes: 1, unknowns: 1, duplicates: 1},
		Leaderships: [servers]int{2, 1, 0}},
	// Reads, while another leader is elected.
	{Name: "reads", Start: steady, Terms: 2, Coordinators: 1, Budget: Budget{reads: 2}},
	{Name: "published", Terms: 1, Coordinators: 2, Publish: true, Budget: Budget{unknowns: 1, coordinatorCrashes: 1}},
	{Name: "silence", Start: steady, Terms: 1, Coordinators: 1, Budget: Budget{writes: 1, reads: 1, silences: 2}},
	// A snapshot for one that is behind, while it crashes, while leaders change, and
	// while there is more to apply.
	{Name: "snapshot", Start: behind, Terms: 2, Coordinators: 1, Budget: Budget{crashes: 1}},
	{Name: "snapshot-handover", Start: handedOver, Terms: 2, Coordinators: 1, Leaderships: [servers]int{1, 0, 2}},
	{Name: "snapshot-tail", Start: strayed, Terms: 3, Coordinators: 1, Budget: Budget{crashes: 1}},
	{Name: "snapshot-write", Start: behind, Terms: 1, Coordinators: 1, LazyApply: true,
		Budget: Budget{writes: 1, reads: 1, duplicates: 1, trims: 1}},
	// Another server for a shard: up to the step forward, with a crash, and with
	// rivals of which one crashes; then to the end, with a read, and given up with a
	// write in it.
	{Name: "change", Start: steady, Terms: 2, Coordinators: 1, Publish: true, Ensemble: 1, Wish: onS2},
	{Name: "change-crash", Start: learning, Terms: 2, Coordinators: 1, Publish: true, Ensemble: 1, Wish: onS2, Budget: Budget{crashes: 1}},
	{Name: "change-read", Start: joined, Terms: 3, Coordinators: 1, Publish: true, Ensemble: 1, Wish: onS2, Budget: Budget{reads: 1}},
	{Name: "change-rivals", Start: learning, Terms: 2, Coordinators: 2, Publish: true, Ensemble: 1, Wish: onS2,
		Budget: Budget{coordinatorCrashes: 1}},
	{Name: "change-back", Start: joined, Terms: 3, Coordinators: 1, Publish: true, Ensemble: 1, Wish: onS2,
		Budget: Budget{withdrawals: 1, writes: 1}},
	// One of two replaced; and two more for one.
	{Name: "replace", Start: steady, Terms: 2, Coordinators: 1, Publish: true, Ensemble: 2, Wish: []replication.ServerID{"s2", "s3"}},
	{Name: "grow", Start: learning, Terms: 2, Coordinators: 1, Publish: true, Ensemble: 1, Wish: []replication.ServerID{"s1", "s2", "s3"}},
	// A change of leader with a write and a crash anywhere; and two from nothing.
	{Name: "overtaken-crash", Start: overtaken, Terms: 3, Coordinators: 1, OneEntry: true, Budget: Budget{crashes: 1}},
	{Name: "reign", Start: steady, Terms: 2, Coordinators: 1, KeepStale: true, Budget: Budget{crashes: 1, writes: 1}},
	{Name: "first", Terms: 2, Coordinators: 1},
}

// Larger are spaces for those who have time: see scripts/explore.
var Larger = []Config{
	{Name: "replication-3", Start: steady, Terms: 1, Coordinators: 1, OneEntry: true,
		Budget: Budget{writes: 3, reads: 1, crashes: 1, duplicates: 1, ticks: 1}},
	{Name: "reign-2", Start: steady, Terms: 2, Coordinators: 1, KeepStale: true, OneEntry: true,
		Budget: Budget{crashes: 2, writes: 2, ticks: 1}},
	{Name: "reads-2", Start: steady, Terms: 2, Coordinators: 2, LazyApply: true, Budget: Budget{reads: 2, writes: 1, duplicates: 1}},
	{Name: "elections-3", Start: steady, Terms: 3, Coordinators: 2,
		Budget:      Budget{crashes: 1, coordinatorCrashes: 1, unknowns: 1, duplicates: 1},
		Leaderships: [servers]int{2, 1, 0}},
	{Name: "rivals-2", Terms: 2, Coordinators: 2, KeepStale: true, Budget: Budget{rollbacks: 1, crashes: 1}},
	{Name: "overtaken-2", Start: overtaken, Terms: 4, Coordinators: 2, KeepStale: true,
		Budget: Budget{crashes: 1, writes: 1, duplicates: 1}},
	{Name: "change-2", Start: steady, Terms: 4, Coordinators: 2, Publish: true, Ensemble: 1, Wish: onS2,
		Budget: Budget{crashes: 1, coordinatorCrashes: 1, unknowns: 1, withdrawals: 1, writes: 1, reads: 1}},
	{Name: "replace-2", Start: steady, Terms: 3, Coordinators: 2, Publish: true, Ensemble: 2, Wish: []replication.ServerID{"s2", "s3"},
		Budget: Budget{crashes: 1, coordinatorCrashes: 1, withdrawals: 1, writes: 1}},
}
