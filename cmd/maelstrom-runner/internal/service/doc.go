// Package service offers the stores that Maelstrom lends to nodes: lin-kv, seq-kv,
// lww-kv and lin-tso.
//
// Contract:
//
//  1. A service is a participant of the network: requests and answers have latency,
//     one request is handled at a time, and no partition ever names it.
//  2. lin-kv answers every request from the one current state. cas with
//     create_if_not_exists creates a missing key.
//  3. seq-kv lets a request that changes nothing see any of the last states, but no
//     client ever goes back; a request that changes something runs on the newest.
//  4. lww-kv is two replicas that answer and gossip at random; the later Lamport
//     timestamp wins. It is there to be wrong.
//  5. Errors carry Maelstrom's codes: 20 for a missing key, 22 for a cas whose from
//     does not match, 10 for an unknown request, 12 for a malformed one.
package service
