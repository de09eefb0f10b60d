// Package conformance is what every transport of the replication core has to pass:
// the simulator's, Maelstrom's and the one over gRPC.
//
// [Messages] and [Message] give tests the core's messages, all of them and with
// every field: nobody who encodes them can forget one that is added. [Run] holds a
// transport against the contract of [replication.Transport]. An adapter's own test
// tells it, by a [Network], how servers are made and how they are hurt.
package conformance
