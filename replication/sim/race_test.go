//go:build race

package sim_test

// Under the race detector a simulation takes ten times as long, and has one goroutine
// beside those of the storage engine: a few show what there is to show.
const share = 20
