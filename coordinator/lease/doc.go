// Package lease settles which of several coordinators leads.
//
// The metadata store has one lease. Its holder raises a counter in it (beats); the
// others take the lease when, by their own monotonic clocks, it did not change for a
// while, and at once when it was released. No clock is compared with another's.
//
// # What the caller is promised
//
//  1. Run calls its function when the lease is won, with a Grant whose number is
//     higher than that of any reign before, and cancels the function's context when
//     the lease is lost: to another, or because it could not be renewed in time.
//  2. A reign that ended has ended: the next begins after the function returned.
//  3. When Run's own context is done, the function's is too, and once it has returned
//     the lease is released, so that another takes it without waiting.
//  4. A candidate that is Sole writes the lease when its reign begins and when it ends.
//  5. A holder that was killed, stopped, or cut off from the store is replaced after
//     Options.Hold and at most Options.Look more.
//
// It is not promised that only one leads at a time: a process that was stopped and
// goes on finds out at its next beat. Whatever leaders do is made safe by other means.
//
// # What the caller owes
//
// Names differ. The function returns soon after its context is done.
//
// # Concurrency
//
// Run is called once. State may be called at any time, by anybody.
package lease
