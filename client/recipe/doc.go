// Package recipe has locks and leader elections, made of ephemeral records.
//
// # What the caller is promised
//
//  1. Of all that hold a lock by one key, as the cluster's log tells it, there is one at
//     a time. It holds the lock until it releases it, or its session is lost, or somebody
//     deletes or overwrites the record.
//  2. Lost is closed no later than the lock may pass to another, by this process's clock,
//     as long as the process runs.
//  3. Each time that a lock is acquired its Token is greater than every time before.
//  4. Whoever waits tries again as soon as the lock is free. Who of them gets it is not
//     said: it is not a queue.
//
// # What the caller owes
//
// A process may be stopped between looking at Lost and acting on it, for longer than its
// session lasts. No lock of any kind can prevent that; a fencing token makes it harmless:
//
//   - Records in the lock's own shard are written in transactions that have Condition
//     among their conditions. They happen only while the lock is held. Give lock and
//     records one partition key.
//   - Any other resource is given the token with each request, remembers the greatest
//     that it has seen, and refuses less.
//
// Release is called once the lock is not needed any more, also when it was lost.
//
// # Concurrency
//
// All methods may be called by any number of goroutines.
package recipe
