// Package transaction is what clients ask of a transactional store, and what it answers:
// a list of reads and writes of keys, done as one.
//
// Contract:
//
//  1. On the wire a transaction is Maelstrom's: an array of [function, key, value], where
//     the function is r, w (registers) or append (lists). A request leaves the values of
//     its reads null; the answer repeats the request with them filled in.
//  2. Complete accepts an answer only if it is the same transaction, with reads filled in.
//     Maelstrom itself does not compare; but an answer to another question tells nothing.
//  3. A key that was never written reads as null. An empty list means the same.
//  4. Values are integers, and no value is written to one key twice. So a value says
//     who wrote it: all that checkers conclude rests on this.
package transaction
