package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// maxScanOpens bounds the shards of one scan that are being asked for their first part
// at once, and, where shards follow one another, those that are ahead of the one that is
// read.
const maxScanOpens = 32

// List returns the keys from start to end, without end, in order; an empty end is
// unbounded. See RangeScan; by an index, keys are in the order of each shard's answer,
// since secondary keys are not told, and shards follow one another.
func (c *Client) List(ctx context.Context, start, end string, options ...ScanOption) iter.Seq2[string, error] {
	s := scanSettingsOf(options)
	s.chained = s.index != nil
	return func(yield func(string, error) bool) {
		ask := func(ctx context.Context, id int64, conn *grpc.ClientConn) (receiver, error) {
			stream, err := api.NewOxiaClientClient(conn).List(ctx, &api.ListRequest{
				Shard: &id, StartInclusive: start, EndExclusive: end, SecondaryIndexName: s.index, IncludeInternalKeys: s.internal,
			})
			return keyReceiver{stream}, err
		}
		c.scan(ctx, fmt.Sprintf("list from %q to %q", start, end), start, end, s, ask, func(r Record, err error) bool {
			return yield(r.Key, err)
		})
	}
}

// RangeScan returns the records from start to end, without end, in order; an empty end
// is unbounded. Without PartitionKey all shards are scanned and merged.
//
// Each shard is seen at one moment, no earlier than the iteration's start. A scan that a
// shard's leader cannot finish ends with ErrInterrupted once records were delivered, for
// another leader could only go on at another moment. Records are fetched as they are
// consumed. An error is the last that the iteration yields. The request timeout is for
// the first part of each shard; how long the rest takes is up to the consumer and ctx.
func (c *Client) RangeScan(ctx context.Context, start, end string, options ...ScanOption) iter.Seq2[Record, error] {
	s := scanSettingsOf(options)
	return func(yield func(Record, error) bool) {
		ask := func(ctx context.Context, id int64, conn *grpc.ClientConn) (receiver, error) {
			stream, err := api.NewOxiaClientClient(conn).RangeScan(ctx, &api.RangeScanRequest{
				Shard: &id, StartInclusive: start, EndExclusive: end, SecondaryIndexName: s.index, IncludeInternalKeys: s.internal,
			})
			return recordReceiver{stream}, err
		}
		c.scan(ctx, fmt.Sprintf("scan from %q to %q", start, end), start, end, s, ask, yield)
	}
}

func scanSettingsOf(options []ScanOption) *scanSettings {
	s := &scanSettings{}
	for _, option := range options {
		option.setScan(s)
	}
	return s
}

// receiver takes the parts of one shard's answer.
type receiver interface {
	grpc.ClientStream
	// next returns the next part, io.EOF after the last.
	next() ([]Record, error)
}

type keyReceiver struct {
	grpc.ServerStreamingClient[api.ListResponse]
}

func (r keyReceiver) next() ([]Record, error) {
	part, err := r.Recv()
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(part.GetKeys()))
	for i, key := range part.GetKeys() {
		records[i].Key = key
	}
	return records, nil
}

type recordReceiver struct {
	grpc.ServerStreamingClient[api.RangeScanResponse]
}

func (r recordReceiver) next() ([]Record, error) {
	part, err := r.Recv()
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(part.GetRecords()))
	for i, record := range part.GetRecords() {
		records[i] = readRecord(record, "")
	}
	return records, nil
}

// asker starts the question to one shard.
type asker func(context.Context, int64, *grpc.ClientConn) (receiver, error)

// cursor is one shard's answer, read as far as part.
type cursor struct {
	answer receiver
	part   []Record // the rest of the last part that came; empty at the end
	place  int      // among the shards of the scan
}

// advance drops the first record, and fetches the next part if it was the last.
func (s *cursor) advance() error {
	s.part = s.part[1:]
	return s.fill()
}

func (s *cursor) fill() error {
	for len(s.part) == 0 {
		part, err := s.answer.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.part = part
	}
	return nil
}

// scan asks the shards, and yields what they answer, merged.
func (c *Client) scan(ctx context.Context, what, start, end string, s *scanSettings, ask asker, yield func(Record, error) bool) {
	fail := func(err error) { yield(Record{}, fmt.Errorf("%s: %w", what, err)) }
	if err := checkRange(start, end, s.partition); err != nil {
		fail(err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	m, err := c.openSequence(ctx, s, ask)
	defer m.close()
	if err != nil {
		fail(err)
		return
	}
	for any := false; ; any = true {
		record, more, err := m.next()
		switch {
		case err != nil && ctx.Err() != nil && c.ctx.Err() == nil:
			fail(late(ctx, err))
		case err != nil && c.ctx.Err() != nil:
			fail(ErrClosed)
		case err != nil && any:
			fail(fmt.Errorf("%w: %w", ErrInterrupted, err))
		case err != nil:
			fail(explain(err))
		}
		if err != nil || !more || !yield(record, nil) {
			return
		}
	}
}

// sequence is what several shards answer, as one.
type sequence interface {
	// next returns the next record, and whether there is one.
	next() (Record, bool, error)
	// close ends what is open. It comes last.
	close()
}

func (c *Client) openSequence(ctx context.Context, s *scanSettings, ask asker) (sequence, error) {
	if s.chained {
		return c.openChain(ctx, s, ask)
	}
	return c.openMerge(ctx, s, ask)
}

// openMerge asks the shards concerned, and waits for the first part of each. Until it
// came nothing was delivered, so that it is asked for again whatever goes wrong.
func (c *Client) openMerge(ctx context.Context, s *scanSettings, ask asker) (*merge, error) {
	for {
		opening, cancel := context.WithTimeout(ctx, c.conf.requestTimeout)
		cursors, stop, err := c.openCursors(ctx, opening, s, ask)
		cancel()
		if err == nil {
			return newMerge(c.order(), cursors, stop), nil
		}
		stop()
		if !errors.Is(err, errShardGone) {
			return &merge{stop: stop}, err
		}
	}
}

func (c *Client) openCursors(ctx, opening context.Context, s *scanSettings, ask asker) ([]*cursor, context.CancelFunc, error) {
	ctx, stop := context.WithCancel(ctx)
	shards, err := c.scanned(opening, s)
	if err != nil {
		return nil, stop, err
	}
	cursors := make([]*cursor, len(shards))
	errs := make([]error, len(shards))
	turns := make(chan struct{}, maxScanOpens)
	var waiting sync.WaitGroup
	for i, shard := range shards {
		turns <- struct{}{}
		waiting.Go(func() {
			defer func() { <-turns }()
			cursors[i], errs[i] = c.openCursor(ctx, opening, shard.id, ask)
		})
	}
	waiting.Wait()
	return cursors, stop, errors.Join(errs...)
}

// scanned returns the shards that a scan is about.
func (c *Client) scanned(ctx context.Context, s *scanSettings) (shardMap, error) {
	if s.partition == nil {
		return c.allShards(ctx)
	}
	one, err := c.shardOf(ctx, keyspace.Hash(*s.partition))
	return shardMap{one}, err
}

// openCursor asks one shard. The stream lives as long as ctx; opening bounds the wait
// for its first part.
func (c *Client) openCursor(ctx, opening context.Context, id int64, ask asker) (*cursor, error) {
	var opened *cursor
	err := c.attempt(opening, id, forStreams, always, func(attempt context.Context, conn *grpc.ClientConn) error {
		streaming, cancel := context.WithCancel(ctx)
		unhook := context.AfterFunc(attempt, cancel)
		answer, err := ask(streaming, id, conn)
		if err == nil {
			opened = &cursor{answer: answer}
			err = opened.fill()
		}
		// From here on the attempt's end is not the stream's.
		if !unhook() && err == nil {
			err = context.Cause(attempt)
		}
		if err != nil {
			cancel()
			return err
		}
		if header, err := answer.Header(); err == nil {
			c.noteOrder(header)
		}
		return nil
	})
	return opened, err
}
