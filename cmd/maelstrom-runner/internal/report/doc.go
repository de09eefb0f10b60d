// Package report turns a run into numbers: results.json for programs, a summary for
// people.
//
// Contract:
//
//  1. Latencies are of operations that succeeded, from invocation to completion.
//  2. Messages per operation divide all messages sent by all operations invoked,
//     successful or not, as Maelstrom does.
//  3. A fault counts if it touches anything: cutting off less than a third of three
//     nodes does not. A cure counts if no fault remains after it.
//  4. Recovery is the time from a cure to the first success at each node; nodes that
//     had none before the next fault, or the end, are named.
//  5. An outage is the longest time without a successful write between a fault and the
//     next one, or the end of the run.
package report
