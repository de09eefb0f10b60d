// Package grpc carries the replication core's envelopes between the processes of a
// cluster: the transport of production. DESIGN.md beside this file says why it is as
// it is.
//
// # What the caller is promised
//
//  1. The contract of [replication.Transport]: what is delivered is what was sent, to
//     whom it was sent, with the sender's name and run. Send never blocks. It may
//     drop, and between lanes reorder; within one lane of one link it keeps the order,
//     and it delivers nothing twice.
//  2. What is small (liveness, terms, acks, confirmations) never waits behind entries
//     or snapshots, and entries never wait behind snapshots.
//  3. A receiver that does not keep up costs its peers a bounded queue each
//     ([Limits]) and nothing else: what does not fit is dropped, and counted.
//  4. A process that dies is told of at once (Options.Gone), after the last of what it
//     sent was delivered, and again when its machine refuses connections
//     (Options.Over). That a link merely carries nothing is not told: the core notices
//     silence by itself.
//  5. Links come back by themselves: at once when the address changes or the peer
//     calls, otherwise after 10 ms to a second.
//  6. Processes of different clusters, or one that is not whom an address was thought
//     to lead to, get no link, and a message that says why.
//  7. Cost goes with traffic: a quiet shard costs nothing here, a quiet peer three
//     idle connections in each direction.
//
// # What the caller owes
//
//  1. Deliver, Gone and Over hand over to whoever drives the node, in the order of their
//     calls, and return soon. They must not call Close.
//  2. The grpc.Server on which the transport is registered was made with
//     [ServerOptions]; Close comes before its graceful stop.
//
// # Concurrency
//
// All methods of a [Transport] may be called at the same time. It has goroutines of
// its own: for each peer with an address one that dials, and for each lane of each link
// one that writes and one that reads. Close ends them and waits.
//
// # Where things are
//
//	transport.go  the peers, and how links begin and end
//	dial.go       links that this process makes
//	serve.go      links that peers make
//	greeting.go   what both ends say of themselves
//	lane.go       what waits for a peer
//	stream.go     one lane of one link: a writer and a reader
//	codec.go      frames as gRPC wants them; package wire has their bytes
//	options.go    options and limits
//	stats.go      what is counted
package grpc
