package coordinator

import (
	"log/slog"

	"google.golang.org/grpc/credentials"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/grpc"
)

// Transport carries the core's messages between a coordinator and the servers.
type Transport interface {
	replication.Transport
	// SetPeers says where servers are reached from now on.
	SetPeers(addresses map[replication.ServerID]string)
	// Close ends all connections, and waits for what serves them.
	Close()
}

// TransportOptions are what a transport of one reign is made of.
type TransportOptions struct {
	Self replication.Server
	// Cluster is the cluster's id, which servers check.
	Cluster     string
	Credentials credentials.TransportCredentials
	Logger      *slog.Logger
	// Deliver takes what servers sent; Gone that the connection to it broke or, if
	// refused is set, that nobody listens there any more. Neither blocks.
	Deliver func([]replication.Envelope)
	Gone    func(server replication.ServerID, refused bool)
}

// dialed is the transport of production.
type dialed struct{ *grpc.Transport }

func newDialed(o TransportOptions) (Transport, error) {
	t, err := grpc.New(grpc.Options{
		Self: o.Self, Cluster: func() string { return o.Cluster }, Deliver: o.Deliver,
		Gone:        func(id replication.ServerID) { o.Gone(id, false) },
		Over:        func(id replication.ServerID) { o.Gone(id, true) },
		Credentials: o.Credentials, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	return dialed{t}, nil
}
