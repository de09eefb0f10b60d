package session

import (
	"context"
	"fmt"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

// Hosted is the ledger of a server: the shards that its host leads. Host returns that,
// or nil while there is none.
type Hosted struct{ Host func() *host.Host }

// Sessions implements Ledger.
func (l Hosted) Sessions(ctx context.Context, shard replication.ShardID) (sessions []kv.Session, err error) {
	err = l.look(ctx, shard, func(db *kv.DB) (err error) {
		sessions, err = db.Sessions(kv.ShardID(shard))
		return err
	})
	return sessions, err
}

// Session implements Ledger.
func (l Hosted) Session(ctx context.Context, shard replication.ShardID, id int64) (s kv.Session, found bool, err error) {
	err = l.look(ctx, shard, func(db *kv.DB) (err error) {
		s, found, err = db.Session(kv.ShardID(shard), id)
		return err
	})
	return s, found, err
}

// look reads a shard at a moment no earlier than the call.
func (l Hosted) look(ctx context.Context, shard replication.ShardID, read func(*kv.DB) error) error {
	h := l.Host()
	if h == nil {
		return host.ErrClosed
	}
	view, err := h.Confirm(ctx, shard)
	if err != nil {
		return err
	}
	return view.Read(read)
}

// Expire implements Ledger.
func (l Hosted) Expire(ctx context.Context, shard replication.ShardID, ids []int64) ([]int64, error) {
	h := l.Host()
	if h == nil {
		return nil, host.ErrClosed
	}
	call, err := h.Write(ctx, shard, kv.ExpireSessionsPayload(ids...))
	if err != nil {
		return nil, err
	}
	select {
	case <-call.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	result, _, err := call.Written()
	if err != nil {
		return nil, err
	}
	ended, err := kv.DecodeEndedSessions(result)
	if err != nil {
		return nil, fmt.Errorf("shard %d: what became of sessions: %w", shard, err)
	}
	return ended, nil
}
