package client

import (
	"context"
	"time"

	"github.com/ostraka-db/ostraka/api"
)

// disputeTimeout is how long a server that is said to lead has to prove it.
const disputeTimeout = time.Second

// decide asks those who are said to lead shards, against what is known, whether they do:
// by a read, which only a leader can answer. Who does not answer is asked once only.
func (c *Client) decide(disputed shardMap) {
	silent := map[string]bool{}
	for _, s := range disputed {
		if silent[s.leader] || c.router.load().leaders[s.id] == s.leader {
			continue
		}
		ctx, cancel := context.WithTimeout(c.ctx, disputeTimeout)
		err := c.prove(ctx, s)
		silent[s.leader] = ctx.Err() != nil
		cancel()
		if err == nil {
			c.router.confirm(s.id, s.leader)
		}
	}
}

// prove reads a key, whatever its record is, from the server that is said to lead.
func (c *Client) prove(ctx context.Context, s shard) error {
	conn, err := c.pool.get(s.leader, forCalls)
	if err != nil {
		return err
	}
	_, err = c.read(ctx, conn, &api.ReadRequest{Shard: &s.id, Gets: []*api.GetRequest{{Key: "/"}}})
	return err
}
