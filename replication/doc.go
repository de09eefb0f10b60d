// Package replication is the shard replication core: terms, elections, the
// replicated log, linearizable reads, and what becomes of each request. It is
// pure: no I/O, no goroutines, no clock, no randomness of its own, and nothing
// imported but the standard library. The same events give the same effects, so
// production, the Maelstrom node, the simulator and the explorer run this very
// code and differ only in what they connect it to.
//
// Three structs take events and return effects. A [Replica] is one server's part
// in one shard. An [Election] is a coordinator's part in one shard. A [Node] hosts
// both for all shards of a server, keeps watch over its peers, and takes clients'
// requests. One Step of a Replica or an Election is one action of the TLA+
// specification.
//
// # The caller's duties
//
// The protocol is safe if, and only if, whoever drives it keeps these.
//
//  1. One at a time. All calls to a Node come from one goroutine at a time, and
//     likewise those to a Replica or Election that is driven without a Node.
//  2. Time. The instants given to Step never go back and begin above zero. They
//     decide when something is tried again and when an election is held, never
//     what is true: a clock that jumps costs availability, not safety.
//  3. The log. Operations of one shard take effect in the order of submission.
//     LogDone is delivered only when the operation and all before it would
//     survive a crash. A failure to write or sync is final: the process stops, and
//     what was asked is not known to be done.
//     Trim is asked only up to what the state machine holds durably. What a crash
//     left is settled ([Recovered.Settle]) before a replica is opened. An entry that
//     was synced and cannot be read back is reported (Recovered.Damaged,
//     EntriesRead.Damaged), never left out, and never cut off.
//  4. The term record. What OpTerm stored last is what [Recovered] carries after a
//     restart, with the log as it was synced. A server that cannot say so (its
//     disk is another) has another [Incarnation], and its replicas are gone. Where
//     the disk lost one replica's record alone, that is opened as deleted.
//  5. The state machine. Apply is called with consecutive entries, each once in a
//     run; the applied entry that is recovered is one whose effects are there,
//     and exactly those. Nothing in an entry may make it fail; a disk may, and then
//     the state is dropped and repaired ([StateLost]). A query sees every
//     entry applied before it was asked. A snapshot is installed whole and
//     durably, with its last entry as the applied one, or not at all. A shard
//     without a term record has no state: what a crash left of a deleted one is
//     dropped before the node starts. Where it tells checks of the state, they are
//     as of the same offsets everywhere ([Check]).
//  6. The metadata store. CompareAndSet writes a document if and only if the
//     stored version is the one before; StoreDone means that this very call did.
//     An answer that is not certain is StoreUnknown.
//  7. The transport. Envelopes may be lost, delayed, repeated and reordered, and
//     never changed. Their From and FromRun are the sender's.
//  8. Runs and seeds. The runs of a server ascend, also over restarts. The seed of
//     an Election is drawn at random in each run.
//  9. Sharing. What was handed over (payloads, entries, documents, members) is
//     not changed afterwards by either side.
//  10. Violations. A panic with a [Violation] is a fault of the core or of its
//     caller, never of input. The process stops; what its memory holds is not to
//     be trusted, what its disk holds is.
//
// # What the caller is promised
//
//  1. A request ends once, by its deadline: done, refused (it is in no log, or
//     another entry committed in its place: it did not happen and never will), or
//     unknown. What may have happened is never reported as refused.
//  2. A write that ended done is in the log of every later leader, whatever the
//     elections, as long as a majority of the ensemble keeps its disks.
//  3. A read sees every write that ended before the read began.
//  4. No entry is acked, counted or applied before it is durable where it counts.
//  5. Effects are bounded: every queue, message and batch has its limit in
//     [Options], and what exceeds it is refused or dropped, as its comment says.
//  6. What is quiet costs nothing: Step says when it next needs time, and a shard
//     without work is not looked at.
//
// The files are named after the protocol's parts, in DESIGN.md beside this file,
// which also tells what was decided and why. The messages are in message.go, the
// durable steps in interfaces.go, the golden scripts that tell the protocol's
// stories in testdata.
package replication
