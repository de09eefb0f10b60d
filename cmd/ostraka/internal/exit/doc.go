// Package exit says with which code the program ends, and words the errors that users
// made themselves.
//
//	0  it worked
//	1  it failed
//	2  the command line makes no sense
//	3  the record is not there, or a condition does not hold
//	4  a write was sent and its answer lost: it may have been applied, or may be yet
//
// Scripts rely on the codes: they do not change. Everything here may be used from any
// goroutine.
package exit
