// Package command puts the program together: one root with all commands below it, what
// they have in common, and the code that the process ends with.
//
// Run may be called several times in one process, one after the other.
package command
