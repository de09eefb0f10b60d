// Package kv is the state machine: it turns committed log entries into records,
// on Pebble, and answers reads from them. It knows no replication.
//
// # What the caller is promised
//
//  1. Apply is total. No content of an entry makes it fail: a body that cannot be
//     decoded, or asks for what this version cannot do, has an outcome of its own
//     and changes no record.
//  2. Apply is deterministic. The records, the version ids, the digest and the
//     answers depend on the sequence of entries alone: not on how it was cut into
//     calls, not on the clock, not on the machine.
//  3. Apply is atomic. The applied EntryID is written in the batch that holds what
//     the entries did. There is no log inside: after a crash the database opens at
//     some earlier applied EntryID, with exactly the state of that moment, and the
//     caller applies again what followed. FlushedApplied tells from where that may
//     be, and so what a log may trim.
//  4. An entry whose format version or kind is unknown is never skipped. Apply
//     stops before it with an UnknownEntryError, and stays there.
//  5. A read sees one moment: all of its answers come from one database snapshot. So
//     does a scan, however long it takes.
//  6. A snapshot is a stream of bytes that depends on the shard's state alone. It is
//     read in parts, from any position, while it is open, and pins no more than
//     files meanwhile. Import takes such parts, checks them, and replaces the shard
//     by them at once: a crash leaves what was there before or what the snapshot
//     says, with its applied EntryID and its digest, and nothing in between.
//  7. Beside the digest of now, a shard keeps the one of the last agreed offset, with
//     the state and in snapshots, so that replicas can be compared that are never
//     at one entry at one time.
//  8. A request that has a name is carried out once, however often it is an entry.
//  9. A transaction is one entry, and happens as a whole or not at all. One that
//     only reads needs no entry: ReadTransaction gives it the same answer.
//
// # What the caller owes
//
//  1. Entries are committed, and their offsets run without gap from the applied
//     one, the first of a shard being 1. Apply checks it (SequenceError).
//  2. What can be refused was refused before it was proposed, by Validate,
//     ValidateTransaction, ValidateSession, ValidateWriteOnce or ValidateTransactOnce.
//  3. The rules of apply are frozen by the format version of the entry. Limits that
//     may change from one release to the next belong into Validate, never into
//     Apply, or replicas of two releases come apart.
//  4. A storage error leaves the state at what Applied says. The same entries may
//     be applied again from there; after a failed write that is rarely wise.
//
// # Concurrency
//
// One goroutine at a time applies to a shard, and one imports to it; different
// shards are applied and imported to at the same time. All else may run beside
// anything but Close and, for one shard, beside DeleteShard and the Import of a final
// part, which want to be alone with their shard. A Scan or a List is one goroutine's,
// may be open beside everything, and is closed before the database. Open starts
// Pebble's goroutines, and Close ends them.
//
// The formats on disk are in FORMAT.md.
package kv
