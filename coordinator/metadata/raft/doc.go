// Package raft is a metadata provider without anything beside the coordinators: they
// keep documents and lease among themselves, by Raft (go.etcd.io/raft). Each
// coordinator's process is a member, with a directory and an address of its own; there
// are three, or five, and most of them have to be up.
//
// # What the caller is promised
//
//  1. The contract of package metadata. Any member answers any call: the coordinator
//     that leads need not be the member that leads in Raft, and moving one after the
//     other would delay every change of either. A follower's write costs one round trip
//     more than the leader's.
//  2. Reads are linearizable: a member asks the leader how far the log is committed,
//     which the leader has confirmed by most members, and waits until it has applied
//     that. No clock is relied on.
//  3. A write whose answer is lost is asked again, of whoever leads, for as long as the
//     caller waits, and is made once: commands are numbered, and the state passes over
//     those that it has applied (package state). When the caller's context ends first,
//     the outcome is told as unknown. What was given up happens soon or never.
//  4. A leader whose process ends is replaced within some 100 ms, as its machine refuses
//     connections; one that is silent after 0.75 to 1.5 s. Members that were held up,
//     as by a lack of CPU, do not count the time in which they could not listen, ask
//     before they stand (PreVote), and do not vote against a leader whom they hear.
//  5. The lease is a value of its own in the state. A renewal is an entry of some 100
//     bytes, and one sync of each member's disk; it waits for no documents. The log is
//     trimmed at 4,096 entries or 16 MiB, to half of that.
//  6. A member whose directory was lost does not come back as who it was, so that it
//     never contradicts what it promised: it gets a new id, and the leader replaces the
//     old one by it (a joint change of the members), as soon as it finds it at the old
//     one's address. For that most of the members before have to be up, whole. If they
//     are not, nothing is made up: calls fail, and say so. A directory that turns up
//     again after its member was replaced is refused, and so is one that was put back
//     from an older copy, once the leader tells it of an entry that it lacks.
//
// # How a cluster begins
//
// All members are told the same bootstrap nodes: the addresses of all. When each of them
// is up, and none is in a cluster, the first by name forms one; so all have to be up
// once. That is found in the members' directories from then on, and the nodes that are
// told have to be the same ever after. A member that moves keeps its name in DNS.
// Lists that differ, two members with one directory's copy, and members of another
// cluster are refused, with a message on both sides.
//
// # What the caller owes
//
// A directory for each member, on a disk of its own, if three are to be worth more than
// one. The port is for members alone: until connections have credentials
// (Options.ServerCredentials), whoever reaches it may take part.
//
// # Concurrency
//
// A Member may be used by many goroutines. It has goroutines of its own: one that drives
// the library (loop.go), one that writes (writer.go), one for each other member (peer.go)
// and those of a gRPC server. Close ends them and waits.
//
// # Where things are
//
//	member.go             calls
//	lane.go, reads.go     what calls wait for
//	loop.go, apply.go     the library, driven
//	log.go, writer.go     the log in memory, and on its way to the disk
//	form.go               how a member comes to be in a cluster
//	events.go             dead leaders, and members that are replaced
//	peer.go, serve.go     links
//	options.go            options, times and limits
//	state, disk           what commands come to; a member's directory
package raft
