package server

import (
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	peer "github.com/ostraka-db/ostraka/replication/grpc"
)

const (
	// maxStreams bounds the calls of one client's connection.
	maxStreams = 4096
	// handshakeWithin bounds how long a client's connection may take to be made.
	handshakeWithin = 10 * time.Second
	// aliveEvery is after how long of silence a client's connection is tested, and
	// aliveWithin how long the answer may take.
	aliveEvery  = 30 * time.Second
	aliveWithin = 10 * time.Second
	// maxHeaderBytes bounds the headers of a call.
	maxHeaderBytes = 64 << 10
)

// publicOptions are those of the clients' port.
func publicOptions(secure credentials.TransportCredentials) []grpc.ServerOption {
	return withCredentials(secure, []grpc.ServerOption{
		grpc.MaxRecvMsgSize(api.MaxMessageBytes),
		grpc.MaxSendMsgSize(api.MaxMessageBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(handshakeWithin),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: aliveEvery, Timeout: aliveWithin}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: api.MinKeepAlive, PermitWithoutStream: true}),
	})
}

// internalOptions are those of the port of servers and coordinators.
func internalOptions(secure credentials.TransportCredentials, later *services) []grpc.ServerOption {
	return withCredentials(secure, append(peer.ServerOptions(),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.UnknownServiceHandler(later.handle),
	))
}

func withCredentials(secure credentials.TransportCredentials, options []grpc.ServerOption) []grpc.ServerOption {
	if secure != nil {
		options = append(options, grpc.Creds(secure))
	}
	return options
}

// listen opens a port.
func listen(what, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on the %s address %q: %w", what, address, err)
	}
	return l, nil
}

// services are registered on a gRPC server that serves already: those of the peers'
// transport, which cannot be made before the server knows its name. They have streams
// alone.
type services struct {
	mu      sync.RWMutex
	streams map[string]registered
}

type registered struct {
	handle grpc.StreamHandler
	impl   any
}

// RegisterService implements grpc.ServiceRegistrar.
func (s *services) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[string]registered{}
	}
	for _, d := range desc.Streams {
		s.streams["/"+desc.ServiceName+"/"+d.StreamName] = registered{d.Handler, impl}
	}
}

// handle serves the streams that the gRPC server itself does not know.
func (s *services) handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	s.mu.RLock()
	found, is := s.streams[method]
	s.mu.RUnlock()
	if !is {
		return status.Errorf(codes.Unimplemented, "there is no method %s here, or not yet", method)
	}
	return found.handle(found.impl, stream)
}
