// Package standalone is a whole service in one process: a data server, and a coordinator
// that has no other server. They talk over loopback, as they would between machines, so
// that nothing is different but the number of processes and of copies of the data.
//
// # What the caller is promised
//
//  1. Start returns when every shard serves, so that the first write needs to wait for
//     nothing.
//  2. What a data directory holds is served again by a later Start, also with other
//     addresses. Options about the namespace hold when it is made, and are left alone
//     afterwards.
//  3. A service that cannot go on, as after a failed sync, ends by itself: Done is
//     closed, and Err says why.
//
// # What the caller owes
//
// Close is called once after Start has returned a service.
//
// # Where things are
//
//	service.go    starting and ending
//	cluster.go    the cluster's configuration, of which this is all
//	command.go    the command
package standalone
