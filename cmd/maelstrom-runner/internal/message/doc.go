// Package message is the wire format of a Maelstrom network: one JSON object per
// line with src, dest and body, and the table of error codes a body may carry.
//
// Contract:
//
//  1. Parse accepts exactly what Maelstrom accepts from a node: an object with the
//     string fields src and dest and an object body, an optional integer id, and
//     nothing else. Whatever else a node prints is a protocol error.
//  2. The body is kept as the sender's own bytes. A test bench that re-encodes what
//     it forwards could hide, or cause, a bug in the node under test.
//  3. Definite says what a client may conclude from an error: a definite code means
//     that the operation did not happen and never will. Every code that is not in
//     the table is indefinite, because that is always the safe reading.
package message
