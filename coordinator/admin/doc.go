// Package admin serves what operators see of a cluster, and change in it: OxiaAdmin
// (api/admin.proto) by Service, and OstrakaAdmin (api/cluster.proto) by Operations.
//
// # What the caller is promised
//
//  1. Only the coordinator that leads answers. The others refuse with
//     NODE_IS_NOT_LEADER, and name the one that does where they know it. A call that is
//     under way when leadership is lost ends so, too.
//  2. A change of the configuration is in it, durably, when the call returns, and is seen
//     by every later call. The cluster follows it soon after; views tell how far it is.
//  3. A change is refused as a whole, with a message that names the field and the
//     remedy: InvalidArgument for what could never be, AlreadyExists and NotFound,
//     FailedPrecondition for what something else stands in the way of (a replication
//     factor, a configuration that is read-only, a server that is away), Aborted for one
//     that met another change and may be tried again.
//  4. What is asked of a shard or a server has come about when the call returns. One that
//     ends before, with DeadlineExceeded, leaves it to go on: what is wanted is stored.
//  5. A status is one moment's picture, in parts of bounded size. Whoever follows it is
//     told what has changed since, but for figures alone, as fast as they take it: what
//     was overtaken meanwhile is left out.
//  6. Digests are compared at equal offsets only. Nobody is said to differ but against a
//     majority, and whoever could not be compared is named, with the reason.
//  7. A shard is recovered only when a majority is lost in earnest, by those survivors
//     that have the most, after its name was given twice. The mark that this leaves tells
//     what the operator was told.
//  8. SplitShard is Unimplemented.
//
// Calls that last are limited in number (operations.go), and end with ResourceExhausted
// beyond that.
//
// A Service and an Operations may be used by many goroutines.
package admin
