// Package anomaly judges histories of transactions: is there an order of them, one after
// the other, that explains everything that was read? It follows Kingsbury and Alvaro,
// "Elle: Inferring Isolation Anomalies from Experimental Observations" (VLDB 2020), and
// Adya, "Weak Consistency" (MIT 1999), whose names it uses.
//
// Some anomalies show in single reads:
//
//	internal            a transaction does not see what it did or saw itself
//	G1a                 a read of what a transaction wrote that failed
//	G1b                 a read of what a transaction wrote and then overwrote itself
//	unwritten-read      a read of what nobody wrote
//	duplicate-elements  a list holds an element twice
//	incompatible-order  two reads of a list, neither of which goes on where the other ends
//	torn-appends        a list holds only some of a transaction's appends, or in another order
//	lost-update         two transactions read one version of a key, and both replaced it
//
// All others are cycles of dependencies: G0, G1c, G-single, G2-item, cyclic-versions, and
// what is only wrong in real time, such as G-single-realtime (package dependency). Of
// each name one cycle is shown, as short as can be found, with the reasons for its edges.
//
// Contract:
//
//  1. Sound: a history of a store that is what the model promises is never invalid. A
//     dependency is added only if it holds in every order that explains the history. What
//     failed did not happen. What is unknown happened if somebody saw one of its writes;
//     then it happened as a whole, at any time after its invocation; else it is left out.
//     What it read is not known.
//  2. Complete for lists: elements say who wrote them, and reads say in which order. What
//     was never read comes after everything that was. If none of the anomalies is found,
//     any order that follows the graph explains the history.
//  3. Not complete for registers: which of two writes came first can be told only in some
//     cases. nil precedes everything. A transaction that reads a version and writes the
//     key makes a later version. With Config.RealTime and Config.VersionsByClock, a version
//     that was written or read by a transaction that ended, before one began that wrote or
//     read another, is the earlier one, because no version comes back. These are Elle's
//     initial state, "writes follow reads", and "linearizable keys".
//  4. Without Config.RealTime the model is serializability: an order that turns real time
//     around is allowed.
//  5. Time is linear in operations and dependencies. There is no search that could give
//     up: the verdict is never unknown but for a history that this package cannot read.
package anomaly
