// Package admin is the commands that look at and change a cluster through the public
// port of a coordinator. One that does not lead names the one that does, to which the
// command then turns by itself.
package admin
