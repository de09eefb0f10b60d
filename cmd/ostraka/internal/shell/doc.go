// Package shell runs the commands of ostraka client and ostraka admin line by line, over
// one connection.
//
// On a terminal a line can be edited, completed by the tab key and had again by the
// arrow keys; an interrupt ends the command that runs, or empties the line, and not the
// shell. Where input is no terminal it is a script: nothing is asked, and the first
// line that fails ends it with that line's exit code.
//
// # Where things are
//
//	command.go    the command
//	shell.go      the loop, and a line's way to its command
//	terminal.go   lines from a terminal
//	history.go    lines of earlier runs
//	complete.go   what the tab key does
package shell
