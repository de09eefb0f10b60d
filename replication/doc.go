// Package replication is the shard replication core: pure, deterministic, no
// I/O, no goroutines, no clock.
package replication
