// Package lint enforces the rules of this repository that no off-the-shelf linter
// knows: which package may import which, how long a file may be, what nothing may
// be called, and that every package says what it is.
//
// Check reads a source tree and returns every breach. The package's test runs it
// over this repository, and over small trees that break each rule, so that a rule
// that stopped catching anything is noticed.
package lint
