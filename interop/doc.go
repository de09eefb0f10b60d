// Package interop holds Ostraka against Oxia's own Go client: every operation that it
// offers, sessions, notifications, and what it sees while servers are killed.
//
// It is a module of its own, so that what the client needs is not what Ostraka needs.
// The cluster runs as processes: in one process the two modules' messages, which have
// the same names, would collide.
package interop
