// Package cluster runs a whole cluster of real processes on loopback, harms it, and
// checks what clients saw: data servers and coordinators as they are shipped, killed,
// stopped, and cut off from one another.
//
// # What the caller is promised
//
//  1. Between any two processes, and between a process and the clients of this one,
//     each direction can be cut by itself. A cut is silent: nobody is told, and what
//     was sent meanwhile arrives when it heals. It needs no privileges: every address
//     that processes know is one of a proxy of this package, which asks the kernel
//     whose connection it has.
//  2. A process that ends by itself is noticed (Cluster.Failed). What processes print
//     is kept in a file for each.
//  3. Close kills what runs, and waits for it. No process outlives this one.
//  4. Servers come and go while it runs: they are made and started, written into the
//     configuration or left out of it, and ended for good.
//  5. A schedule of faults depends on its seed alone. When which fault strikes whom is
//     in the history, but the processes' own speed is not the seed's.
//
// # What the caller owes
//
// Linux, for /proc and the signal that a child gets when its parent dies.
//
// # Where things are
//
//	build.go           the programs, built once
//	process.go         one process: started, killed, stopped
//	proxy.go, links.go, owner.go  what lies between two processes
//	ports.go           ports that processes may keep over restarts
//	metrics.go         what processes tell of themselves
//	cluster.go         all of it together
package cluster
