// Package server is a data server: it puts together what hosts replicas (host), what
// clients call (public), and what coordinators and other servers call, on two ports.
//
// # What the caller is promised
//
//  1. Start returns when both ports are open. Clients are told NOT_INITIALIZED until a
//     coordinator has been heard, and the health service "oxia-readiness" says so.
//  2. A server that was given no name learns it from its coordinator, once, and keeps
//     it with its data.
//  3. Drain gives the leaderships away before it ends anything, and is bounded by its
//     context: a request that it ends is one that may be retried.
//  4. When the disk fails, the server ends by itself: Done is closed, and Err says why.
//     Everything that was promised is on the disk.
//
// # What the caller owes
//
// Close is called after Start has returned a server, also after Drain and after Done
// was closed.
//
// # Where things are
//
//	server.go               starting and ending
//	config.go               what an operator says
//	hosting.go              replicas, once the server knows its name
//	attend.go, self.go      what coordinators tell and are told
//	listen.go               ports, and the limits of connections
//	trim.go                 letting go of notifications
//	source.go               what metrics look up
//	drain.go                stopping without failing requests
//
// Why it is so is in DESIGN.md.
package server
