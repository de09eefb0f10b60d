// Package network is a simulated network in the image of Maelstrom's: an inbox per
// participant, random latency, loss, and partitions that cut one direction at a time.
//
// Contract:
//
//  1. A message gets its due time when it is sent. Messages from or to a client have
//     no latency: a client stands beside its node, because latency there would only
//     hide anomalies.
//  2. An inbox has one receiver. It takes the message that is due first, and then
//     waits for it: a message that arrives meanwhile stands behind the one in hand,
//     even if its own due time is earlier.
//  3. A cut is looked up when the receiver takes a message, before it waits. So a
//     message sent before a cut may be lost to it, and one sent during a cut may
//     arrive if nobody took it before the network healed.
//  4. Loss is decided when a message is sent. A lost message counts as sent.
//  5. An inbox holds at most MaxQueued messages; what comes on top is dropped and
//     counted. Nothing else in this package grows without bound: journals are counts.
//  6. Besides cuts there are bursts of loss and duplication, which strike messages between
//     nodes only, and slow nodes, all of whose messages but clients' take longer. A slow
//     message, or a duplicate, is not seen by its receiver until its time has come; so it
//     does not hold up others, as rule 2 would have it.
package network
