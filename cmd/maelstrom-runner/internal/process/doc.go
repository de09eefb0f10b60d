// Package process runs one node: a program that reads messages from its standard
// input, prints messages, and logs to its standard error.
//
// Contract:
//
//  1. A Process is one run of the program. A node that is killed and started again is
//     a new Process; what the network held for the old one is not given to the new.
//  2. Kill is kill -9 of the program and everything it started. What it had printed in
//     whole lines is still sent; half a line is not a protocol error then.
//  3. A program that ends without Kill is reported to Hooks.Exited, with the last lines
//     of its standard error. A line that is no message, or that the network refuses, is
//     reported to Hooks.Protocol, and the node keeps running.
//  4. Pause and Resume are SIGSTOP and SIGCONT.
//  5. Four goroutines serve a Process; Done is closed when they, and the program, have
//     ended. Lines, log files and remembered lines are bounded.
package process
