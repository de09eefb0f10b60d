// Package perf puts load on a service and measures how it answers.
//
// # Open and closed loop
//
// In an open loop operations are issued at a rate, whatever becomes of those before.
// The latency of an operation is counted from the moment at which it was due, not from
// the one at which it could be sent: while the service stands still, the operations
// that it keeps from being issued are late too, and are counted as late. (To leave them
// out is called coordinated omission, and makes a pause of a second look like one slow
// operation.) How late the generator itself was is measured beside it, so that a
// figure can be told from one that the generator spoiled.
//
// In a closed loop each of some workers issues its next operation when its last one has
// ended. It finds the highest throughput; its latencies say little about a service
// under a load that does not wait.
//
// # What is measured
//
// Operations that are due after the warm-up. Those that failed are counted by reason,
// and have latencies of their own. A read that finds no record has not failed, and is
// counted as missed. Latencies go to three digits, from a microsecond to an hour.
//
// # Concurrency and bounds
//
// Run starts the goroutines that it needs and returns when all have ended. At most
// Plan.MaxInFlight operations are on their way at once. A Target is called by all of
// them at the same time.
//
// # Where things are
//
//	plan.go           what load to put on
//	load.go           open and closed loop
//	pace.go           waiting for the moment at which an operation is due
//	recorder.go       what came of the operations
//	result.go         the same, as it is printed
//	progress.go       lines while it runs
//	target.go         a service by way of the client library
//	command.go        the command
package perf
