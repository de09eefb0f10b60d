package client

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// deliverReads carries a batch of gets out.
func (c *Client) deliverReads(id int64, b *batch) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	if !b.take(cancel) {
		return
	}
	req := b.readRequest(id)
	var answers []*api.GetResponse
	err := c.attempt(ctx, id, forCalls, always, func(ctx context.Context, conn *grpc.ClientConn) error {
		var err error
		answers, err = c.read(ctx, conn, req)
		return err
	})
	switch {
	case err == nil:
		for i, o := range b.ops {
			o.finish(func() { o.getRes = answers[i] }, nil)
		}
	case errors.Is(err, errShardGone):
		c.reroute(b.giveBack(err))
	case len(b.ops) > 1 && ctx.Err() == nil:
		for _, single := range singles(b.giveBack(err)) {
			c.deliverReads(id, single)
		}
	default:
		b.fail(err)
	}
}

// read makes one call and returns an answer for each question.
func (c *Client) read(ctx context.Context, conn *grpc.ClientConn, req *api.ReadRequest) ([]*api.GetResponse, error) {
	stream, err := api.NewOxiaClientClient(conn).Read(ctx, req)
	if err != nil {
		return nil, err
	}
	answers := make([]*api.GetResponse, 0, len(req.GetGets()))
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, part.GetGets()...)
	}
	if len(answers) != len(req.GetGets()) {
		return nil, fmt.Errorf("the server answered %d questions of %d", len(answers), len(req.GetGets()))
	}
	header, err := stream.Header()
	if err == nil {
		c.noteOrder(header)
	}
	return answers, nil
}

// noteOrder remembers the order of keys that a server tells.
func (c *Client) noteOrder(header metadata.MD) {
	for _, name := range header.Get(api.HeaderKeyOrder) {
		if order, known := orderNamed(name); known {
			c.toldOrder.Store(&order)
		}
	}
}

// order returns the order of keys: what the user said, or else what servers said, or
// else the usual one.
func (c *Client) order() keyspace.Order {
	if c.conf.order != nil {
		return *c.conf.order
	}
	if told := c.toldOrder.Load(); told != nil {
		return *told
	}
	return keyspace.Hierarchical
}
