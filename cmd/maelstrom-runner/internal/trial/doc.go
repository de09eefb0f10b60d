// Package trial runs a workload against a cluster and records what happens.
//
// Contract:
//
//  1. One goroutine asks the generator, dispatches operations to threads, and writes the
//     history. Completions are recorded before new operations are chosen: recording one
//     late would make operations look concurrent that were not.
//  2. Operations start a random time between 0 and twice 1/rate apart, whichever threads
//     they go to. If all threads that the generator wants are busy, the next operation
//     waits for one; what was missed is not made up for.
//  3. No operation starts after the time limit; those open are waited for.
//  4. A problem of the cluster, or the end of the context, ends the run early: open
//     operations end unknown.
//  5. If the plan ends with recovery, the operations that are open when it is done end
//     unknown: their clients give up.
//  6. Run returns when all of its goroutines have ended.
package trial
