// Package maelstrom runs the replication core as a node of Maelstrom, Jepsen's
// workbench: JSON lines on standard input and output, clients that play the
// workloads lin-kv, txn-list-append, txn-rw-register, echo and unique-ids, and a
// network that loses, delays and reorders. There is one shard, replicated on all nodes; each node is a data
// server and a coordinator candidate, and answers clients.
//
// # What a client is promised
//
//  1. lin-kv is linearizable, and transactions are strictly serializable.
//  2. Every request is answered within Config.RequestTimeout, as long as the node
//     runs.
//  3. An error that Maelstrom calls definite means that the operation did not
//     happen and never will. What may have happened is answered with code 0.
//  4. Ids of unique-ids are never given out twice, by no node and in no run.
//
// # How it is put together
//
// One goroutine, the loop, owns the replication.Node, the log and the state machine
// (of package storage), the router and the clients' operations; nothing else
// touches them, and there are no locks. Whatever arrives (Maelstrom's package runs a goroutine for each
// message) is put into the loop's mailbox, which has a bound: a peer's message
// that does not fit is dropped, as any network may do, and a client's is refused.
//
//	transport.go    envelopes to lines and back, over the ways of package overlay
//	codec.go        the JSON of an envelope; kinds.go has the table of messages
//	store.go        the metadata store, on Maelstrom's lin-kv service
//	trim.go         trimming the log
//	loop.go         the loop
//	clients.go      requests of clients, and their answers
//	linkv.go        read, write and cas in terms of the state machine
//	txn.go          the same for lists and registers
//	transaction.go  transactions as requests to the shard
//	handlers.go     what is done with each type of message
//	adapter.go      the node as a whole
//
// # Limits
//
// Maelstrom's package stops at a line above 64 KiB, so that no line above
// maxLineBytes is sent between nodes, and a request may take maxRequestBytes. What
// a transaction reads may be longer than any request: from some 40 KiB on it does
// not get from the leader to another node, whose client is told that the outcome
// did not come in time. A standard output that nobody reads blocks the node.
//
// A transaction that only reads does not tell whether it means lists or registers,
// and gets the list where a key has both: one cluster plays one of the workloads.
package maelstrom
