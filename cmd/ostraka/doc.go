// Command ostraka is the one tool: it runs a service, uses one, looks after one and
// measures one. ostraka --help says how.
//
// # Exit codes
//
//	0  it worked
//	1  it failed
//	2  the command line makes no sense
//	3  there is no such record, or a condition does not hold
//	4  it is not known whether a write was applied
//
// # Output
//
// What was asked for is on standard output, and nothing else: progress, warnings and
// errors are on standard error. With -o json each thing found is one line with an
// object, with -o yaml a document.
//
// # Signals
//
// The first interrupt or SIGTERM ends what runs in order; a second one ends it at once.
//
// # Where things are
//
// internal/command puts the commands together. data, admin, health and perf are the
// commands of these names (data is that of client), shell runs them line by line,
// standalone runs a whole service in this process. exit has the exit codes, output the
// formats.
package main
