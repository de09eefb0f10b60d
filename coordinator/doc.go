// Package coordinator supervises a cluster: it decides what there is to be (namespaces,
// shards, where their replicas begin), holds the shards' elections, and tells servers,
// and through them clients, who leads. It is not on the path of any read or write: a
// cluster serves on without any coordinator until a leader is lost.
//
// Any number of coordinators may run; one leads, by the lease in their metadata store.
// That is for economy, not for safety: two that both believe they lead can do no harm,
// because every choice in a shard belongs to a term that one compare-and-set made.
//
// # What the caller is promised
//
//  1. Run works until its context is done, or what it needs is refused for good. It
//     waits for everything that it started, and leaves the lease free.
//  2. What the configuration wants is brought about as far as possible: what is not
//     is told by Snapshot, with the reason. Nothing that the cluster's status tells
//     is done before the status is stored.
//  3. When a leader's process ends, the shards that it led are given to others as soon
//     as a quorum of each answers; no sleep and no poll is on that path. A server that is
//     only slow keeps what it leads while a quorum hears it.
//  4. Servers are told of a new leader when it serves, without waiting for the metadata
//     store: what they are told is true whatever becomes of the document.
//  5. When leadership among coordinators is lost, all work for the cluster stops before
//     another reign can begin in this process.
//
// # What the caller owes
//
// Options.Name differs from the other coordinators'. The metadata provider and the
// source of the configuration outlive Run, and are closed by the caller.
//
// # Concurrency
//
// Run is called once. Everything else may be called at any time, by anybody.
//
// # Where things are
//
//	coordinator.go  what a coordinator is, and its lease
//	reign.go        one leadership, from the first read to the last goroutine
//	reconcile.go    bringing the status to what is wanted
//	enact.go        bringing about what the status says
//	observe.go      what there is, for who plans
//	moves.go        the moves that are under way
//	order.go        what administrators ask for, and the waiting for it
//	transfer.go     other leaders by order
//	move.go         replicas elsewhere, and servers emptied, by order
//	recover.go      shards that lost their majority, by order
//	explain.go      what would be done next, and why not more
//	error.go        what orders end with
//	view.go         what is known of shards and servers
//	report.go       what servers tell of their replicas, and how fast their counters go
//	snapshot.go     all of that for who asks
//	trouble.go      why shards are not steady
//	publish.go      telling it to the servers
//	cause.go        why elections are held, for who measures them
//	transport.go    the connections of the core's messages
//	plan/           what is to change: pure
//	shards/         the shards' documents in a metadata store
//	elections/      the core's elections, driven
//	attend/         streams to the servers
//	lease/          leadership among coordinators
//	config/         what operators want
//	metadata/       where coordinators keep what must outlive them
//	kube/           how they use a Kubernetes API server
//	admin/          the service by which operators see and change a cluster
//	metrics/        what Prometheus is told
//	command/        the command, with its flags and its file of settings
//
// DESIGN.md says why.
package coordinator
