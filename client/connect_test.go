package client

import (
	"context"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/client/clienttest"
)

// newClient makes a client of a cluster, which is closed with the test.
func newClient(f *clienttest.Cluster, options ...Option) *Client {
	t := f.Test()
	t.Helper()
	c, err := New(context.Background(), clienttest.Address(0), append(options, dialer(f))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dialer(f *clienttest.Cluster) Option { return WithDialOptions(grpc.WithContextDialer(f.Dial)) }
