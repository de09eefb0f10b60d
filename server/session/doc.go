// Package session keeps the sessions of the shards that a server leads: it knows until
// when each was kept alive, and ends those that were not.
//
// That a session exists, and what belongs to it, is the state machine's; deadlines are
// in the memory of the leader alone, by its monotonic clock. Where a reign begins, every
// session has its whole timeout anew, so that a change of leaders ends none. A heartbeat
// counts when the leadership was confirmed after it had come, so that a leader of the
// past keeps nothing alive; a session that was ended is told so, and never one that may
// still be there.
//
// A [Keeper] may be used by any number of goroutines. Begin and End do not wait, and
// come in their order. Close ends its goroutines and waits for them.
package session
