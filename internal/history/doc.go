// Package history is the record of a run: what clients asked, what they were
// answered, and what the nemesis did, in one order.
//
// Contract:
//
//  1. Events have consecutive indexes. An invocation is recorded before its request
//     is sent and a completion after its answer came, by one goroutine; so the order of
//     indexes never orders two operations that were concurrent against the clock, and
//     one that ended before another began has the lower index.
//  2. A process has at most one operation open. An operation that ends as Info may
//     have happened or may yet happen: its process never appears again.
//  3. A history holds at most MaxEvents events.
package history
