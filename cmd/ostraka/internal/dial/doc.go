// Package dial connects commands to the ports of a cluster that the client library is
// not for, and says in a user's words why a call failed.
//
// Everything here may be used from any goroutine.
package dial
