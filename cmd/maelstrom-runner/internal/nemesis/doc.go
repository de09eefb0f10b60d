// Package nemesis decides which faults a run suffers, and when.
//
// Contract:
//
//  1. A plan is a pure function of its configuration: same seed, same faults at the same
//     times. Nothing that happens during a run changes it.
//  2. Partitions, bursts of loss, of duplication, and slow nodes have a schedule each:
//     start, stop, start, ... Kills and pauses share one; each of its steps goes to one of
//     the two at random, and each of the two alternates with its own cure. Steps are a
//     random time between 0 and twice the interval apart, and the first comes at once:
//     Jepsen's stagger.
//  3. Grudges are Jepsen's: a single node, halves (the smaller one first), less than a
//     third, a ring of majorities; and one of ours: a one-way cut between a minority and
//     the rest. In the ring every node hears a majority. With three nodes that
//     ring is directed: everyone hears one neighbour and is heard by the other.
//  4. Loss and duplication strike messages between nodes, and none of clients or services;
//     package network says why. A slow node is one; its messages take longer.
//  5. Prefix keeps the first faults of a plan, at the same times: the search for the
//     shortest one that breaks a node.
//  6. Play carries a plan out one step at a time. A step that is late is not skipped.
package nemesis
