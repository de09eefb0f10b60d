// Package process is what the processes of a cluster have around their work: a log,
// whose level a file of settings may change while they run, the HTTP endpoints by which they are watched, and gRPC servers with limits.
//
// # What the caller is promised
//
//  1. An HTTP endpoint serves /metrics, /livez and /readyz, and /debug/pprof if asked
//     to. /livez and /readyz answer 200, or 503 with a reason a line.
//  2. A gRPC server bounds handshakes, streams, headers and pings by the constants
//     of this package, and serves health.
//  3. Version tells what the program was built from, whoever built it.
//  4. Close of either ends what it serves, within closeWithin, and waits for it.
//
// # What the caller owes
//
// Functions that tell live and ready are called by many goroutines, and return soon.
package process
