// Package enginefs is the file system that Pebble's databases are opened on, in all
// packages that have one: the file system beneath it, with the names of manifests
// durable as soon as they are made.
//
// Pebble makes a manifest, then a marker that names it, and syncs the directory once
// for both: a file system that keeps the younger name over a crash and loses the older
// one would leave a database that cannot be opened.
//
// It may be used by many goroutines at a time, as far as the one beneath it may.
package enginefs
