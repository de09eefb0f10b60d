package conformance

import (
	"testing"

	"github.com/ostraka-db/ostraka/replication"
)

// Network is a transport as its adapter's test sets it up for the suite. One test
// uses one network.
type Network interface {
	// Start starts the transport of a server, which all others reach under its name
	// from then on. What arrives is given to deliver. A server may be started again in
	// a later run once it was stopped.
	Start(self replication.Server, deliver func([]replication.Envelope)) replication.Transport
	// Stop ends a server's transport like the end of its process. Once it returns
	// nothing is delivered to that server any more.
	Stop(id replication.ServerID)
	// Advance lets the network do some of its work, or waits a little while it does.
	Advance()
}

// Transport is what the suite has to know of an adapter.
type Transport struct {
	// New makes a network without servers. It ends with the test.
	New func(t *testing.T) Network
	// MostBytes is how large a payload it carries at least.
	MostBytes int
	// Concurrent says that transports have goroutines of their own: Send may be called
	// from many, and a deliver that does not return holds nobody but its own sender.
	Concurrent bool
	// Waits returns how many bytes wait in a server's transport to be sent, which must
	// not be more than MostWaits for one receiver. Only a concurrent one needs it.
	Waits     func(network Network, of replication.ServerID) int
	MostWaits int
	// Lanes says that what is small passes entries that nobody takes.
	Lanes bool
}

// Run runs the suite.
func Run(t *testing.T, transport Transport) {
	for _, test := range []struct {
		name  string
		run   func(*testing.T, *Transport)
		wants bool
	}{
		{"every message arrives as it was sent", everyMessage, true},
		{"what is sent arrives nowhere else", nowhereElse, true},
		{"a batch is its sender's again after Send", batchesAreCopied, true},
		{"a payload of any size arrives whole", sizes, true},
		{"what is sent to nobody is dropped", nobody, true},
		{"a server that stopped harms no other", stopped, true},
		{"a server that starts again is reached again", restarted, true},
		{"many send at the same time", manySenders, transport.Concurrent},
		{"a receiver that hangs holds nobody", hangingReceiver, transport.Concurrent},
		{"what is small passes entries that nobody takes", passing, transport.Lanes},
		{"stopping waits for what is being delivered", stopWaits, transport.Concurrent},
	} {
		if test.wants {
			t.Run(test.name, func(t *testing.T) { test.run(t, &transport) })
		}
	}
}
