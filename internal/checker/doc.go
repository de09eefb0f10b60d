// Package checker judges histories.
//
// Contract:
//
//  1. A verdict is valid, invalid or unknown. Invalid wins over unknown, unknown over
//     valid. A checker that ran out of time says unknown, never valid.
//  2. An operation that failed did not happen. One whose outcome is unknown may happen
//     at any time after its invocation, or never.
//  3. Linearizable judges each key by itself: a history of registers is linearizable
//     exactly if each register's is.
//  4. A read of null means that the key was never written.
package checker
