// Package dependency is the graph of who must have come before whom, and the search for
// cycles in it: a cycle shows that no order of the transactions explains what they saw.
//
// The edges are Adya's direct dependencies, and real time. T1 -> T2 if
//
//	ww  T2 wrote the version of a key that follows T1's
//	wr  T2 read a version that T1 wrote
//	rw  T2 wrote a version that follows one that T1 read
//	rt  T1 ended before T2 began
//
// Cycles are named by the edges they need, as by Adya and in Elle: G0 has only ww;
// G1c ww and wr; G-single has one rw besides, G2-item more than one. The suffix -realtime
// means that the cycle uses rt, or an edge that is known from the clock only. A cycle of
// ww that is known from the clock only is called cyclic-versions: a version came back.
//
// Contract:
//
//  1. A graph has a cycle if and only if Cycles returns one. For every name at most one
//     cycle is returned, the worst first.
//  2. Components and the existence of a cycle take linear time. How short a cycle is
//     shown, and whether a milder name beside a worse one is, depend on a budget of steps:
//     the result is a function of the graph alone, never of how fast the machine is.
//  3. Before reduces "ends before the other begins" to edges from which all of it
//     follows. With c intervals open at a time it makes at most about c edges for each.
//  4. Nothing here knows keys, lists or registers; edges carry what is needed to explain
//     them.
package dependency
