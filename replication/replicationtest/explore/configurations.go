package explore

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
}
