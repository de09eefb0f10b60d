// Package elections runs the elections of a cluster's shards: it drives a
// [replication.Node] that coordinates and has no replicas, against a transport and a
// store of documents.
//
// # What the caller is promised
//
//  1. A Driver's goroutine alone touches the node. It works through whatever has
//     arrived, then lets the node step once, so that a thousand shards that lose one
//     server are served in one step.
//  2. Deliver, Gone and Complete do not block. Envelopes are bounded by
//     MaxEnvelopes: what finds no room is dropped, as a network may, and counted.
//  3. What is asked for a shard whose elections are not held here has no effect.
//  4. After Close nothing is sent, loaded or stored any more.
//
// # What the caller owes
//
// Start is called once, and Close once after it. The transport and the store outlive the
// Driver. The run of self is higher than that of any reign before.
package elections
