// Package replicationtest drives the replication core in tests: a cluster of
// nodes over a network, disks, state machines and a metadata store that do what
// they are told, one step at a time and with a clock of their own.
//
// Script runs golden scripts against it: protocol stories in a small command
// language, whose output is the trace of what the cluster did. Invariants
// watches every step of any test and fails at the first one that breaks a law
// of the protocol.
//
// Nothing here waits, sleeps or depends on map order: the same script gives the
// same trace.
package replicationtest
