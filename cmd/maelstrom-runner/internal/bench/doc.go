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
package bench
