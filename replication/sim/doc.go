// Package sim runs a whole cluster in one goroutine, under one seed: the very Node
// and Elections of package replication, on the very logs and state machines of
// server/storage (packages wal and kv), with a simulated network, metadata store,
// clocks and disks, and with clients whose histories are checked. It is a rung of
// the proof ladder, and only tests and scripts import it.
//
// # What is promised
//
//  1. One seed is one story. [Draw] makes everything of a seed: the cluster, its
//     options, and the whole schedule of faults, before anything runs; [Run] draws the
//     rest from streams of the same seed, one for each purpose. Two runs have the same
//     [Report.Hash], a sum of every message, completion, outcome and state digest in
//     the order in which they came. What Pebble does in goroutines of its own
//     (removing files that are over, looking at tables) reaches nothing of that:
//     compactions are off, memory is flushed only when told, and waited for.
//  2. What happens next is taken from one queue, in the order of simulated time. An
//     idle cluster costs nothing but its beats.
//  3. A failure is told with the command that shows it again, and [Shrink] finds a
//     smaller one: fewer kinds of faults, fewer faults, less time.
//
// # What is held against a cluster
//
// While it runs (laws.go): a term has one leader, whose log holds what was applied in
// lower terms; no two entries share an id; all servers apply the same entries in the
// same order; as of one entry there is one state; nothing applied is truncated; what
// is acked or answered to a fence is durable, and what a disk called durable is there
// when it is opened again.
//
// Once all faults are over (converge.go): every member and coordinator of a shard has a
// write of it done in 40 simulated seconds (what a slow state machine was asked for
// before is done first); each shard comes to be on the servers that are wished for, on
// the disks that they have by then; then all replicas agree on log and state.
//
// At the end (check.go): each register's puts, conditional puts, reads and deletes are
// linearizable (Porcupine); a scan shows one moment; versions ascend in real time; the
// transactions over lists are strictly serializable (internal/anomaly).
//
// # The faults, and their budget
//
// Each kind is on or off for a whole simulation, and as frequent as the seed says
// (table.go). The network loses, repeats, delays and reorders; it is cut in two, or one
// way. Processes are killed, one or all at once, paused and drained; clocks jump and
// run at half to twice their rate. Disks and state machines are slow; disks are full,
// or fail at some call that writes; a crash keeps what was synced and, block by block,
// some of what was not; in what was synced a bit flips; a disk is lost altogether.
// Calls of the metadata store, and their answers, are late or lost: what is lost may
// have taken effect. Ensembles are wished for at random.
//
// What the protocol promises, it promises while a majority of each ensemble keeps what
// it synced. So a disk is wiped, or damaged, only where every ensemble that the server
// is in, and every one that was wished for, keeps a majority on disks that are to be
// relied on (loss.go); and no ensemble is wished for that would rely on a damaged one.
// A disk that turns out to be beyond help is replaced by an empty one. Beyond the
// budget a cluster may stop, and nothing would be learned from that.
//
// Two things are as an operator has them, and not worse. A process that starts has its
// wall clock right, since the runs of a server whose disk was lost are numbered by it.
// An error that the storage engine meets ends the process at once, as of the very call
// that failed: the engine itself would try for ever, or end the whole program. The log
// is given its errors to deal with.
//
// # Concurrency
//
// Run has no goroutine of its own, and shares nothing: any number of simulations run
// beside each other.
package sim
