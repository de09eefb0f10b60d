package client

import (
	"context"
	"errors"
	"fmt"
)

// onAllShards issues an operation to each shard, waits for all, and has each one's
// result looked at. Should the shards change meanwhile, it is done again for all: what
// is asked of all shards does no harm twice.
func (c *Client) onAllShards(ctx context.Context, make func() *operation, look func(*operation) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.conf.requestTimeout)
	defer cancel()
	for {
		shards, err := c.allShards(ctx)
		if err != nil {
			return err
		}
		ops := []*operation{}
		for _, s := range shards {
			o := make()
			o.shard, o.pinned = s.id, true
			ops = append(ops, c.issue(ctx, o))
		}
		err = nil
		gone := false
		for _, o := range ops {
			<-o.done
			if errors.Is(o.err, errShardGone) {
				gone = true
			} else if failure := look(o); failure != nil && err == nil {
				err = failure
			}
		}
		if err != nil || !gone {
			return err
		}
	}
}

// allShards returns the shards, as soon as they are known.
func (c *Client) allShards(ctx context.Context) (shardMap, error) {
	for {
		now := c.router.load()
		if len(now.shards) > 0 {
			return now.shards, nil
		}
		select {
		case <-now.superseded:
		case <-ctx.Done():
			return nil, late(ctx, nil)
		case <-c.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// shardOf returns the shard that holds a hash, as soon as one is known to.
func (c *Client) shardOf(ctx context.Context, hash uint32) (shard, error) {
	for {
		now := c.router.load()
		if s, found := now.shards.of(hash); found {
			return s, nil
		}
		select {
		case <-now.superseded:
		case <-ctx.Done():
			return shard{}, late(ctx, fmt.Errorf("no shard holds the hash %08x", hash))
		case <-c.ctx.Done():
			return shard{}, ErrClosed
		}
	}
}
