package grpc

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/ostraka-db/ostraka/replication"
)

// Options are what a transport is told. Self, Deliver and Gone must be set.
type Options struct {
	// Self is who this process is. Its ID is what peers address it by.
	Self replication.Server
	// Cluster returns the id of the cluster that this process belongs to, empty while
	// it does not know yet; nil is always empty. Processes of two clusters refuse each
	// other. It is called from many goroutines.
	Cluster func() string
	// Deliver takes what one frame brought, in order. It may keep the envelopes. It is
	// called from a goroutine for each lane of each link, and what comes behind waits
	// for it.
	Deliver func([]replication.Envelope)
	// Gone says that the last link to a peer broke. Whatever it brought was delivered
	// before.
	Gone func(replication.ServerID)
	// Over says that there is no link to a peer, and that its machine refuses
	// connections to its address: the process that listened there has ended, or did
	// not begin yet. It is called again with every attempt. Gone is called in its
	// place if it is nil.
	Over func(replication.ServerID)
	// Credentials secure the connections that this process makes; nil is none. Those
	// that it accepts are the grpc.Server's.
	Credentials credentials.TransportCredentials
	// Limits bound what waits for each peer; zero fields are DefaultLimits'.
	Limits Limits
	// Logger is told of links and of what is wrong with them; nil is silence.
	Logger *slog.Logger
}

// Limits bound the queues of each peer, by lane.
type Limits struct {
	Control, Data, Snapshots LaneLimits
}

// LaneLimits bound one queue. What does not fit is dropped, but one envelope may
// exceed Bytes where nothing else waits.
type LaneLimits struct {
	Envelopes int
	Bytes     int
}

// DefaultLimits suit a server of ten thousand shards. What waits are references:
// payloads are shared with the core, and not copied before they are sent.
func DefaultLimits() Limits {
	return Limits{
		Control:   LaneLimits{Envelopes: 1 << 16, Bytes: 8 << 20},
		Data:      LaneLimits{Envelopes: 1 << 15, Bytes: 64 << 20},
		Snapshots: LaneLimits{Envelopes: 64, Bytes: 16 << 20},
	}
}

// MaxFrameBytes bounds a frame that is read. It has to exceed the largest envelope:
// an entry, or the answer to a request that was forwarded.
const MaxFrameBytes = 80 << 20

const (
	// maxEnvelopeBytes bounds what is sent; above that it is dropped.
	maxEnvelopeBytes = 72 << 20
	// frameBytes and frameEnvelopes are when a frame that many envelopes go into is
	// full: large enough to amortize a frame's cost, small enough that the first does
	// not wait for the last.
	frameBytes     = 256 << 10
	frameEnvelopes = 1 << 12

	// dialWithin bounds a connection's making, and greetWithin the rest until both
	// ends know each other.
	dialWithin  = time.Second
	greetWithin = 2 * time.Second
	// steadyAfter is how long a link has to have lived for the next one to be tried
	// without a pause.
	steadyAfter = 100 * time.Millisecond
	// backoffLeast and backoffMost bound the mean time between two attempts.
	backoffLeast = 10 * time.Millisecond
	backoffMost  = time.Second

	// deadAfter is how long what was sent may be without any sign from the other
	// end's kernel, until the connection is given up. The core has noticed silence
	// long before; this is to free what the connection holds.
	deadAfter = 2 * time.Second
	// pingEvery is after how long without any traffic a connection is tested. gRPC
	// allows clients no less.
	pingEvery = 10 * time.Second
	// pingLeast is how often a peer may test a connection.
	pingLeast = 5 * time.Second

	// maxPeers bounds the peers that are not in SetPeers and have made links to us.
	maxPeers = 1024
	// maxNameBytes bounds the names in a greeting.
	maxNameBytes = 256

	// streamWindow is how much a receiver that does not keep up is sent of one lane,
	// connWindow of one connection: each lane has a connection, so that they are the
	// same.
	streamWindow = 4 << 20
	connWindow   = streamWindow
)

// ServerOptions are what a grpc.Server needs on which a Transport is registered,
// for its connections to be torn down when they are dead and its frames to be let
// in. Whoever makes the server may add to them.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxFrameBytes),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: deadAfter, Timeout: deadAfter}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingLeast, PermitWithoutStream: true}),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connWindow),
		grpc.ConnectionTimeout(greetWithin),
	}
}

func (o *Options) prepare() error {
	if o.Self.ID == "" || o.Self.Run == 0 || len(o.Self.ID) > maxNameBytes {
		return fmt.Errorf("peer transport: option Self is %q in run %d: needs a name of at most %d bytes, and a run above zero",
			o.Self.ID, o.Self.Run, maxNameBytes)
	}
	if o.Deliver == nil || o.Gone == nil {
		return errors.New("peer transport: options Deliver and Gone must be set")
	}
	if o.Over == nil {
		o.Over = o.Gone
	}
	if o.Cluster == nil {
		o.Cluster = func() string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o.Limits.prepare()
}

func (l *Limits) prepare() error {
	standard := DefaultLimits()
	for _, lane := range []struct {
		name     string
		limits   *LaneLimits
		standard LaneLimits
	}{
		{"Control", &l.Control, standard.Control},
		{"Data", &l.Data, standard.Data},
		{"Snapshots", &l.Snapshots, standard.Snapshots},
	} {
		if *lane.limits == (LaneLimits{}) {
			*lane.limits = lane.standard
		}
		if lane.limits.Envelopes <= 0 || lane.limits.Bytes <= 0 {
			return fmt.Errorf("peer transport: option Limits.%s is %d envelopes and %d bytes: both must be above zero",
				lane.name, lane.limits.Envelopes, lane.limits.Bytes)
		}
	}
	return nil
}
