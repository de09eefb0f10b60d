// Package admin serves OxiaAdmin (api/admin.proto): what operators see of a cluster,
// and change in its configuration.
//
// # What the caller is promised
//
//  1. Only the coordinator that leads answers. The others refuse with
//     NODE_IS_NOT_LEADER, and name the one that does where they know it.
//  2. A change is in the configuration, durably, when the call returns, and is seen by
//     every later call. The cluster follows it soon after; views tell how far it is.
//  3. A change is refused as a whole, with a message that names the field and the
//     remedy: InvalidArgument for what could never be, AlreadyExists and NotFound,
//     FailedPrecondition for what something else stands in the way of (a replication
//     factor, a configuration that is read-only), Aborted for one that met another
//     change and may be tried again.
//  4. SplitShard is Unimplemented.
//
// A Service may be used by many goroutines.
package admin
