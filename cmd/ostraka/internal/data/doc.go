// Package data is the commands that read and write records: those of ostraka client,
// which a shell offers too.
//
// A Connection is the flags that they share and the client that they use. On its own
// each command opens one and closes it. In a shell they share the one that the first
// of them opened, until Close.
//
// # Where things are
//
//	connection.go      flags, client, output
//	outcome.go         errors of the client, as exit codes and remedies
//	items.go           records, versions and events as they are printed
//	put.go, get.go, delete.go, scan.go, watch.go, session.go, transaction.go   the commands
//	steps.go           transactions as text
//
// A Connection, and the commands built on it, are used by one goroutine.
package data
