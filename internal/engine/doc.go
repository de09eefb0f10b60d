// Package engine is what all packages with a Pebble database open it with: its file
// system, and its logger.
//
// FS makes the names of manifests durable as soon as they are made. Pebble makes a
// manifest, then a marker that names it, and syncs the directory once for both: a file
// system that keeps the younger name over a crash and loses the older one would leave a
// database that cannot be opened.
//
// Both may be used by many goroutines at a time, as far as what is beneath them may.
package engine
