// Command maelstrom-node is a node for Maelstrom, Jepsen's workbench: it speaks
// JSON lines on standard input and output, and logs to standard error. What it
// promises is said in package replication/maelstrom.
//
// It ends when standard input does. It exits with 0 then, with 1 if it cannot go
// on, and with 2 if the command line makes no sense.
package main
