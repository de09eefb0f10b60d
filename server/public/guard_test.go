package public

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/server/cluster"
)

func TestGuard(t *testing.T) {
	const (
		write  = "/io.oxia.proto.v1.OxiaClient/Write"
		older  = "/io.streamnative.oxia.proto.OxiaClient/Write"
		own    = "/ostraka.v1.Ostraka/Transact"
		health = "/grpc.health.v1.Health/Check"
	)
	early := refusal{codes.Unavailable, api.ReasonNotInitialized, []string{"coordinator"}}
	strange := refusal{codes.PermissionDenied, "", []string{"allowExtraAuthorities"}}
	for _, c := range []struct {
		what, method string
		known, any   bool
		authority    []string
		refusal
	}{
		{"before the map", write, false, false, []string{"h1:1"}, early},
		{"before the map, under any name", older, false, true, []string{"h1:1"}, early},
		{"under a server's name", write, true, false, []string{"h1:1"}, refusal{}},
		{"under its older name", older, true, false, []string{"h2:1"}, refusal{}},
		{"under another name", write, true, false, []string{"h3:1"}, strange},
		{"under another name, the older service", older, true, false, []string{"h3:1"}, strange},
		{"under another name, the other service", own, true, false, []string{"h3:1"}, strange},
		{"under a name without a port", write, true, false, []string{"h1"}, strange},
		{"under no name", write, true, false, nil, strange},
		{"under two", write, true, false, []string{"h1:1", "h2:1"}, strange},
		{"under any name", write, true, true, []string{"h3:1"}, refusal{}},
		{"health, before the map", health, false, false, []string{"h3:1"}, refusal{}},
	} {
		d := cluster.NewDirectory()
		if c.known {
			d.Told(told(1, "s2"))
		}
		g := NewGuard(d, c.any)
		ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{":authority": c.authority})
		passed := 0
		_, unary := g.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: c.method}, func(context.Context, any) (any, error) {
			passed++
			return nil, nil
		})
		stream := g.Stream(nil, &stream[api.ReadRequest, api.ReadResponse]{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: c.method}, func(any, grpc.ServerStream) error {
			passed++
			return nil
		})
		c.check(t, c.what, unary)
		c.check(t, c.what+", a stream", stream)
		if want := 2; (c.code == codes.OK) != (passed == want) || c.code != codes.OK && passed > 0 {
			t.Errorf("%s: %d calls passed", c.what, passed)
		}
	}
}
