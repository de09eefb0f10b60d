// Package wal is one server's durable log, shared by all its shards: a single
// append-only file of checksummed records, written and synced in groups.
//
// # What the caller is promised
//
//  1. An operation that Sync reported is found by every later Open, together with
//     all operations of its shard before it, however the process or the machine
//     ends in between.
//  2. What Open finds are operations that were submitted, in their order, and
//     nothing else: perhaps some that were not reported, never some that were
//     not submitted. They are durable when Open returns.
//  3. One Sync costs one write and one fdatasync, whatever the number of shards
//     and operations that wait.
//  4. Read sees every operation submitted before it, durable or not.
//  5. A damaged record that was synced is a *CorruptionError, which names the file
//     and the offset; it is never taken for the torn end of the file. Damage to
//     the very last synced batch is the limit: that cannot be told from a torn
//     write.
//  6. A directory keeps one incarnation, drawn when it was formatted, and has one
//     user at a time.
//
// # What the caller owes
//
//  1. A shard's operations are numbered upwards, and each fits the log as those
//     before it left it. What does not fit is the caller's fault, and panics.
//  2. Any error of Sync is final. The state of a file after a failed sync is not
//     known to anybody; the process must stop, and Open will find out.
//  3. Calls come from one goroutine at a time. The package has none of its own.
//
// # For now
//
// All entries stay in memory and in the file; nothing is trimmed. That suits the
// Maelstrom node, whose runs are short. The segmented log that replaces it comes
// behind the same calls.
//
// The formats on disk are in FORMAT.md.
package wal
