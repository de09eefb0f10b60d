package public

import (
	"context"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// List implements api.OxiaClientServer.
func (s *Service) List(req *api.ListRequest, stream grpc.ServerStreamingServer[api.ListResponse]) error {
	t, err := s.target(req.Shard)
	if err != nil {
		return err
	}
	return s.list(stream.Context(), t, req, orderHeader(stream), stream.Send)
}

// RangeScan implements api.OxiaClientServer.
func (s *Service) RangeScan(req *api.RangeScanRequest, stream grpc.ServerStreamingServer[api.RangeScanResponse]) error {
	t, err := s.target(req.Shard)
	if err != nil {
		return err
	}
	return s.scan(stream.Context(), t, req, orderHeader(stream), stream.Send)
}

// list sends the keys of a range, in parts, from one moment.
func (s *Service) list(
	ctx context.Context, t *target, req *api.ListRequest, told func(*api.ShardSettings) error,
	send func(*api.ListResponse) error,
) error {
	var list *kv.List
	return s.walk(ctx, t, told, walk{
		open: func(db *kv.DB) (close func(), err error) {
			if list, err = db.List(t.kvID(), req); err != nil {
				return nil, err
			}
			return list.Close, nil
		},
		next: func() (func() error, bool, error) {
			keys, done, err := list.Next(maxListKeys, api.MaxChunkBytes)
			if err != nil || len(keys) == 0 {
				return nil, done, err
			}
			return func() error { return send(&api.ListResponse{Keys: keys}) }, done, nil
		},
	})
}

// scan sends the records of a range, in parts, from one moment.
func (s *Service) scan(
	ctx context.Context, t *target, req *api.RangeScanRequest, told func(*api.ShardSettings) error,
	send func(*api.RangeScanResponse) error,
) error {
	var scan *kv.Scan
	return s.walk(ctx, t, told, walk{
		open: func(db *kv.DB) (close func(), err error) {
			if scan, err = db.Scan(t.kvID(), req); err != nil {
				return nil, err
			}
			return scan.Close, nil
		},
		next: func() (func() error, bool, error) {
			records, done, err := scan.Next(api.MaxChunkRecords, api.MaxChunkBytes)
			if err != nil || len(records) == 0 {
				return nil, done, err
			}
			return func() error { return send(&api.RangeScanResponse{Records: records}) }, done, nil
		},
	})
}

// walk is how a range is opened, and read part by part: next returns what sends a
// part, nil if there is nothing to send, and whether there are no more.
type walk struct {
	open func(*kv.DB) (close func(), err error)
	next func() (send func() error, done bool, err error)
}

// walk opens a range at a moment no earlier than the call, and sends it at the
// client's pace. Of the state it holds nothing meanwhile but what the range has pinned.
func (s *Service) walk(ctx context.Context, t *target, told func(*api.ShardSettings) error, w walk) error {
	slot, err := s.scans.take(ctx)
	if err != nil {
		return t.failed(err)
	}
	defer slot.give()
	var settings *api.ShardSettings
	if err := t.look(ctx, func(db *kv.DB) error {
		close, err := w.open(db)
		if err != nil {
			return err
		}
		slot.opened(close)
		settings, err = db.Settings(t.kvID())
		return err
	}); err != nil {
		return err
	}
	if err := told(settings); err != nil {
		return err
	}
	for {
		send, done, err := w.next()
		if err == nil && send != nil {
			err = slot.waiting(send)
		}
		if err != nil || done {
			return t.failed(err)
		}
	}
}
