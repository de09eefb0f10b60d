// Package attend keeps a stream to each data server, on which a coordinator tells the
// cluster's state and is told the server's (api/coordination.proto).
//
// # What the caller is promised
//
//  1. Each server is told the newest state as soon as its stream is there, and each
//     newer one after that. A server that is slow is told the newest when it can take
//     one, and holds up nobody else; states between are left out.
//  2. A stream that breaks is made again, with a back-off that begins small and ends
//     when the server's address changes.
//  3. Options.Heard is told of each state of a server, Options.Lost when its stream ended,
//     or could not be made, with the reason; from the goroutine of that server.
//
// # What the caller owes
//
// States are not changed once they were published. Heard and Lost do not block and do
// not call the Set. Close is called once, after every other call has returned; it waits
// for all streams.
package attend
