// Package wal is one server's durable log, shared by all its shards: segments of
// checksummed records, written and synced in batches.
//
// # What the caller is promised
//
//  1. An operation that Sync reported is found by every later Open, together with
//     all operations of its shard before it, however the process or the machine
//     ends in between.
//  2. What Open finds are operations that were submitted, in their order, and
//     nothing else: perhaps some that were not reported, never some that were
//     not submitted. They are durable when Open returns.
//  3. One batch costs one write and one fdatasync, whatever the number of shards
//     and operations in it. A Sync is one batch, unless more waits than
//     Options.MaxBatchBytes; a new segment costs a rename and a sync of the
//     directory more.
//  4. Read sees every operation submitted before it, durable or not.
//  5. Damage to what was synced is never taken for the torn end of the log, and is
//     told shard by shard: entries that cannot be read back, whose ids are known
//     all the same ([Recovered].Damaged), or the loss of a step that nobody knows
//     (Amnesia), with the newest replica that was there, if that is known. Shards
//     that it did not touch are whole, and the log goes on. Damage to the very last
//     synced batch, before the next Open, is the limit: that cannot be told from a
//     torn write.
//  6. Nothing is written again to a file whose write or sync failed. With
//     Options.FailoverDir the batch goes to a new segment there, and counts once;
//     without, every later Sync fails as that one did.
//  7. A segment goes when no entry in it is in any shard's log. Above
//     Options.CarryAboveBytes, what is live in a sparse oldest segment is carried
//     forward first, so that a shard that is not written to never pins the log.
//  8. A directory keeps one incarnation, drawn when it was formatted, and has one
//     user at a time.
//
// # What the caller owes
//
//  1. A shard's operations are numbered upwards in each run, through its deletion
//     too, and each fits the log as those before it left it. What does not fit is
//     the caller's fault, and panics. No two different entries of a shard have the
//     same id.
//  2. Any error of Sync is final. The state of a file after a failed sync is not
//     known to anybody; the process must end, and Open will find out.
//  3. Nothing is submitted while the log is Full, but for the rest of one step;
//     while it is Low, only what trims it. A replica with Amnesia does not vote, one
//     whose entries are Damaged does not lead, and a directory that is Doubtful is
//     given up.
//  4. Submit, Read, Queued, Full, Low, Recovered and Usage may be called from any
//     goroutine; they wait for no file. Sync is called by one goroutine at a time,
//     and Reads by one, beside each other and those. Close comes when all are done.
//
// The package has no goroutines of its own, draws nothing and reads no clock but
// what Options give it: the same calls from one goroutine make the same calls of
// the file system, in the same order.
//
// # Memory
//
// For each shard: its history (a few numbers for each term in the log), twice, and
// one point of the index for each stretch of Options.IndexEveryBytes of a segment
// in which it has entries, or each record if these lie further apart: about 56
// bytes each. For all: Options.CacheBytes of entries, what waits for a Sync, up to
// Options.MaxQueuedBytes, and a buffer of the size of a batch. Open reads one
// segment after the other into memory.
//
// # Where things are
//
//	log.go, shard.go       what is submitted, and what is known of a shard
//	sync.go                batches, written and synced
//	read.go, cache.go      entries, from memory or files
//	index.go               where entries are
//	key.go, field.go       what tells our bytes from others; varints
//	record.go, state.go    what is in frames
//	frame.go, batch.go     frames and batches
//	chain.go, ledger.go    what a shard's records come to, and what is known if some are lost
//	segment.go             files of the log
//	recover.go, replay.go, rewrite.go  opening, and putting together what was found
//	carry.go               removing segments, carrying entries forward
//	failover.go            the second directory
//	retention.go, usage.go what to trim
//	directory.go, number.go, run.go  the directory and its small files
//
// The formats on disk are in FORMAT.md, the reasons for this shape in DESIGN.md.
package wal
