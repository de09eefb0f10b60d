// Package plan compares what is wanted of a cluster with what it is, and says what to
// do next. It is pure: the same desires and observations give the same plan.
//
// # What the caller is promised
//
//  1. Plan returns actions that, applied to the status in order, make it what is
//     wanted, as far as that is possible at present. What is not is told in notes,
//     each with its reason, and planned again when something changed.
//  2. Plan is idempotent: for a status to which its actions were applied, it
//     returns none. It gives no shard id twice, whatever was deleted meanwhile.
//  3. The shards of a namespace tile the hash space. Their replicas are spread over
//     the servers, and so are those that are chosen to lead first; no two of a shard
//     are on one server, nor on servers that a strict anti-affinity keeps apart.
//
// # What the caller owes
//
// The configuration is valid (package config). A status that was handed over is not
// changed; Apply returns another. The status is stored before anything is done that it
// tells, so that whoever goes on after a crash knows of it.
//
// status.go has the status, actions.go the changes that it can undergo, plan.go
// what is to change, and place.go where replicas go.
package plan
