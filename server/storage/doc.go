// Package storage is one server's durable half: the log that all its shards share
// (package wal) and the state machine that they share (package kv), in one
// directory, as the replication core wants them. The server, the Maelstrom node
// and the simulator drive this very code.
//
// # What the caller is promised
//
//  1. What is recovered of a shard is settled: log and state agree, durably,
//     before anybody sees it ([replication.Recovered.Settle]). State that belongs to
//     no replica is dropped.
//  2. What a disk lost of a shard is told with what is recovered of it, or as
//     [replication.StateLost] when somebody meets the damage. It harms no other
//     shard. A directory that cannot tell whose it lost is not opened
//     ([ErrShardsLost], [ErrRecordLost]): the server gets another one, with another
//     incarnation, and is replaced.
//     Where a damaged table is in the way of every repair, the machine fails with
//     [ErrCondemned], and the next Open copies what can be read of the state.
//  3. The machine keeps the contract of [replication.StateMachine]. It works while
//     it is called, or in Work, in the order in which it was asked, and knows no
//     clock but the instants that Work is given. The same calls give the same
//     completions.
//  4. Snapshots are sent a few at a time, in the order in which they were asked for,
//     and no faster than Options.SnapshotRate: they leave room for what clients wait
//     for.
//  5. Nothing is answered that is not so: where the disk fails, completions end,
//     and Failed says why.
//
// # What the caller owes
//
//  1. All calls to a Machine come from one goroutine at a time. The Log says for itself
//     what may be called when; Flush and Flushed may run beside it all. Who reads the
//     State beside the machine keeps the contract of package kv with it, and tells
//     damage that it meets (Machine.Damaged).
//  2. What Take returns is given to the node, in that order, and Work is called
//     when it wants to be.
//  3. When Failed or the log returns an error the process stops. What was promised
//     is on the disk, and the next run finds it.
//
// # The directory
//
//	log/     the log, if it has no directory elsewhere: wal/FORMAT.md
//	state/   the state machine: kv/FORMAT.md
//	state.*  a state that is being copied: rebuild.go
//	identity.json  the server and the cluster that it belongs to: identity.go
//
// An incarnation of the disk is the log's: a directory whose log was wiped is
// another disk, and the state in it is dropped.
package storage
