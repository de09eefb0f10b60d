// Package state is what the log of the Raft provider comes to: documents, the lease,
// who is a member, and what came of each member's last command.
//
// # What the caller is promised
//
//  1. Apply is deterministic, and fails at nothing that Decode let pass: members that
//     apply the same commands in the same order are in the same state.
//  2. A command is applied once. Each member numbers its commands in each lane; one
//     that comes again, or comes later than one with a higher number, changes nothing.
//     So a member may ask again as long as it does not know the outcome, and what it
//     gave up never happens once it has asked for something else in that lane. One who
//     is no member changes nothing either.
//  3. What came of the last command of each lane is part of the state, so that a member
//     that was sent a snapshot in place of the log knows it too.
//  4. A snapshot that is damaged in any byte is refused.
//
// # What the caller owes
//
// What commands may ask is checked before they are written to the log: see
// metadata.Change. Values are not changed once they were handed over.
//
// # Concurrency
//
// One goroutine changes a State; any may read it meanwhile.
package state
