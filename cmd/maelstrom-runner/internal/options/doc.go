// Package options is the command line: Maelstrom's flags by Maelstrom's names, and a
// few of our own.
//
// Contract: Parse returns options that make sense, or an error that names the flag and
// says what to write instead.
package options
