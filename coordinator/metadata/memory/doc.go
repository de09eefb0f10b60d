// Package memory is a metadata provider that forgets everything with its process:
// for tests, and for clusters that are not meant to outlive one.
//
// A Store is what several providers of one process share. It is as durable as the
// process, and keeps the contract of package metadata otherwise.
package memory
