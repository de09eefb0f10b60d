// Package report keeps what coordinators are told of a server's replicas: what each is at,
// what clients do there, and what its state takes on the disk.
//
// # What the caller is promised
//
//  1. Run looks at all replicas every [Every], and at those that were touched within
//     [Soon]. A follower is told of all replicas once, and then of those that changed,
//     at most [MaxReplicas] at a time; what changes twice before it is told, is told once.
//  2. While nobody follows, nothing is looked at.
//  3. Replicas that are at rest cost a look at each, and nothing that is sent but the time
//     of the look. Few are measured by the storage engine in each look, in turn.
//
// # What the caller owes
//
// The source does not block for long, and is called by one goroutine at a time. A follower
// belongs to one goroutine, and is stopped by it. What a follower was given is not changed.
//
// Everything else may be called at any time from any goroutine.
package report
