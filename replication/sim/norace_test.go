//go:build !race

package sim_test

// share is which part of the fixed seeds is run.
const share = 1
