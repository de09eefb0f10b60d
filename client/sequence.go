package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// SequenceUpdates yields the newest key of a sequence, at once if there is one, and then
// whenever there is a newer one. Keys that were overtaken before the consumer came to
// them are left out; none is yielded twice. It goes on over changes of leader until the
// context ends, which is the last error yielded, or something is wrong for good.
func (c *Client) SequenceUpdates(ctx context.Context, prefix, partitionKey string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := checkKey(prefix)
		if err == nil {
			err = checkPartition(&partitionKey)
		}
		newest := ""
		for err == nil {
			ended := false
			err = c.sequenceUpdates(ctx, prefix, partitionKey, func(key string) bool {
				if key == "" || key == newest {
					return true
				}
				newest = key
				ended = !yield(key, nil)
				return !ended
			})
			if ended {
				return
			}
			if errors.Is(err, errShardGone) {
				err = nil
			}
		}
		yield("", fmt.Errorf("updates of sequence %q: %w", prefix, err))
	}
}

// errEnough ends a stream that the consumer has left.
var errEnough = errors.New("the consumer has left")

func (c *Client) sequenceUpdates(ctx context.Context, prefix, partitionKey string, yield func(string) bool) error {
	waiting, cancel := context.WithTimeout(ctx, c.conf.requestTimeout)
	s, err := c.shardOf(waiting, keyspace.Hash(partitionKey))
	cancel()
	if err != nil {
		return err
	}
	err = c.attempt(ctx, s.id, forStreams, always, func(ctx context.Context, conn *grpc.ClientConn) error {
		req := &api.GetSequenceUpdatesRequest{Shard: s.id, Key: prefix}
		stream, err := api.NewOxiaClientClient(conn).GetSequenceUpdates(ctx, req)
		if err != nil {
			return err
		}
		for {
			update, err := stream.Recv()
			if err != nil {
				return ended(err)
			}
			if !yield(update.GetHighestSequenceKey()) {
				return errEnough
			}
		}
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// ended makes of the orderly end of a stream that has none what it is: the server will
// not go on, and another may.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return api.NewError(api.ReasonAborted, "the server ended the stream", nil)
	}
	return err
}
