// Package output prints what commands found: as a table for people, as JSON, or as
// YAML.
//
// What is printed is a stream of items, which may have no end. JSON is one object on a
// line for each, YAML one document for each, so that a program can act on the first
// before the last is there. A table's columns are as wide as the first items need
// (tableAhead of them, or those there are at a Flush).
//
// Values are bytes. Encoding says how they become text, and are read from it.
//
// A Printer is used by one goroutine at a time.
package output
