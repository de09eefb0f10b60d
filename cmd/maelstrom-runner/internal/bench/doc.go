// Package bench is a whole run: it starts a cluster, runs a workload or measures
// failovers, checks, and reports.
//
// Contract:
//
//  1. Run leaves nothing behind but the files in the store: no process, no goroutine.
//  2. A run is valid if every check is valid. It is invalid if a check is, or if a node
//     ended by itself, broke the protocol, or did not come back after a kill. It is
//     unknown if a check could not tell, if the cluster could not be started, or if no
//     operation of some kind succeeded.
//  3. If there were faults, and time to recover from them, every node must answer with
//     success within the goal after the last one. Clients give up what they waited for
//     then. A node that nobody asked in time makes the run unknown.
//  4. Of many seeds each is a run of its own, with files of its own. A seed decides
//     operations and faults, but not how processes are scheduled: the search for the
//     fewest faults that a failing seed takes tries each number several times, and what
//     it finds has failed, but need not be the least.
package bench
