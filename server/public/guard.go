package public

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/server/cluster"
)

// Guard stands before the services: it refuses calls while nothing is known of the
// cluster, and calls under names that are not the cluster's.
type Guard struct {
	directory *cluster.Directory
	// anyAuthority lets calls under every name pass.
	anyAuthority bool
}

// NewGuard returns a guard. AnyAuthority turns the check of names off.
func NewGuard(d *cluster.Directory, anyAuthority bool) *Guard { return &Guard{d, anyAuthority} }

// Unary is the guard of calls with one answer.
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := g.admit(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

// Stream is the guard of streams.
func (g *Guard) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if err := g.admit(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return handle(srv, stream)
}

// admit lets a call pass, or says why not.
func (g *Guard) admit(ctx context.Context, method string) error {
	if !guarded(method) {
		return nil
	}
	m, _ := g.directory.Map()
	if m == nil {
		return notInitialized()
	}
	if g.anyAuthority {
		return nil
	}
	in, _ := metadata.FromIncomingContext(ctx)
	authority := in.Get(":authority")
	if len(authority) == 1 && m.Allows(authority[0]) {
		return nil
	}
	return status.Errorf(codes.PermissionDenied,
		"the call's authority is %q, which is none of the cluster's names; connect under a server's public address, or add the name to allowExtraAuthorities",
		strings.Join(authority, ", "))
}

// guarded reports whether a method, as /service/method, is one of the guarded services'.
func guarded(method string) bool {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	switch service {
	case api.OxiaClient_ServiceDesc.ServiceName, api.CompatServiceName, api.Ostraka_ServiceDesc.ServiceName:
		return true
	}
	return false
}
