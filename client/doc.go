// Package client is the Go client of an Ostraka cluster.
//
//	c, err := client.New(ctx, "localhost:6648")
//	...
//	defer c.Close()
//	put, err := c.Put(ctx, "config/limit", []byte("10"))
//	record, err := c.Get(ctx, "config/limit")
//	_, err = c.Put(ctx, "config/limit", []byte("11"), client.ExpectedVersion(record.Version.ID))
//
// # What the caller is promised
//
//  1. An operation ends once, with a result or an error, no later than its context
//     or the request timeout says.
//  2. A write that returned nil was applied, and will be seen by every later read. One
//     that returned an error was not applied and never will be, unless the error is
//     ErrUnknownOutcome: then it may have been, may yet be, or not, and the client has
//     not asked again. Only what is provably not applied is retried.
//  3. With ExactlyOnce a write carries a name by which its shard tells repetitions, so
//     that the client retries it after a lost answer as well, and it is applied once.
//     ErrUnknownOutcome is left for the case that time ran out first.
//  4. Reads are linearizable. A scan sees each shard at one moment; shards are seen at
//     moments of their own. What is merged from several shards is in the order in
//     which servers sort, and at no time held in memory as a whole.
//  5. Writes that one goroutine issues to one key, without waiting in between, are
//     applied in the order of issue, if all end well; those of ExactlyOnce, and
//     transactions, only if each is waited for.
//  6. A session that this client cannot prove to be alive is told to be lost, no later
//     than its timeout after the last time it was. See Session.
//  7. Notifications come in the order of the log for each shard, each at least once.
//     What a server has dropped meanwhile is an event of its own, EventGap.
//
// # What the caller owes
//
//  1. Close, once, when the client is not needed any more. Iterators are run to their
//     end or left by break; a Subscription and a Session are closed.
//  2. What was handed over (values above all) is not changed until the call, or its
//     Future, is done. What was returned is the caller's.
//  3. A Future that is not waited for loses its error.
//
// # Concurrency
//
// All methods of Client, Future and Session may be called by any number of
// goroutines; a Subscription is read by one. New starts the client's goroutines, and
// Close ends them all and waits. Every queue has a bound: a call to a shard whose
// queue is full waits for room, asynchronous ones too.
//
// Locks and leader elections with fencing tokens are in package recipe. How the client
// is put together is in DESIGN.md.
package client
