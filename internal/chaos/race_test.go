//go:build race

package chaos

// Under the race detector the clients are slower, and so is the search through what
// they saw.
const underRace = true
