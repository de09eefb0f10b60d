// Package chaos harms a cluster of real processes, or makes it larger and smaller, while
// clients use it, and judges what they saw.
//
// # What is checked
//
//   - Registers, written, read and compared-and-set by many clients, are linearizable,
//     each by itself (package checker).
//   - Every write that was acknowledged is there at the end: keys that are written once.
//   - A record of a session that its client holds for alive is there; when the session
//     is closed, it goes.
//   - Notifications of a shard come in the order of its log, each offset once, and
//     every acknowledged put is among them, once.
//   - Replicas that compared their states found them equal, and every process ended
//     when it was told to, and not before.
//
// # What the caller is promised
//
// A plan of faults depends on its seed alone, and Plan says it beforehand. Of what
// clients do, the kinds and keys depend on the seed, but not the times. A run ends with
// the cluster healed and answering, or with an error.
//
// # Where things are
//
//	plan.go            what befalls the cluster, and when
//	play.go            carrying it out
//	resize.go          servers that come and go
//	layout.go          where the replicas are
//	recorder.go        what clients saw, in one order
//	registers.go, journal.go, sessions.go, notifications.go  the clients
//	run.go             all of it together
package chaos
