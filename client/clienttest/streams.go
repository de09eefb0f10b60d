package clienttest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
)

func (s *server) List(req *api.ListRequest, stream grpc.ServerStreamingServer[api.ListResponse]) error {
	var rows []*api.GetResponse
	err := s.ask(stream.Context(), "List", req.GetShard(), func(shard *Shard) {
		rows = shard.rows(req.GetStartInclusive(), req.GetEndExclusive(), req.SecondaryIndexName)
	})
	if err != nil {
		return err
	}
	if err := s.header(stream, req.GetShard()); err != nil {
		return err
	}
	for part := range slices.Chunk(rows, s.cluster.chunk) {
		res := &api.ListResponse{}
		for _, row := range part {
			res.Keys = append(res.Keys, row.GetKey())
		}
		if err := stream.Send(res); err != nil {
			return err
		}
	}
	return nil
}

// RangeScan asks again before each part, so that it can be made to fail in between.
func (s *server) RangeScan(req *api.RangeScanRequest, stream grpc.ServerStreamingServer[api.RangeScanResponse]) error {
	var rows []*api.GetResponse
	err := s.ask(stream.Context(), "RangeScan", req.GetShard(), func(shard *Shard) {
		rows = shard.rows(req.GetStartInclusive(), req.GetEndExclusive(), req.SecondaryIndexName)
	})
	if err != nil {
		return err
	}
	if err := s.header(stream, req.GetShard()); err != nil {
		return err
	}
	for part := range slices.Chunk(rows, s.cluster.chunk) {
		if err := stream.Send(&api.RangeScanResponse{Records: part}); err != nil {
			return err
		}
		if err := s.ask(stream.Context(), "RangeScan part", req.GetShard(), func(*Shard) {}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) CreateSession(ctx context.Context, req *api.CreateSessionRequest) (*api.CreateSessionResponse, error) {
	res := &api.CreateSessionResponse{}
	err := s.ask(ctx, "CreateSession", req.GetShard(), func(shard *Shard) {
		shard.offset++
		shard.log = append(shard.log, &api.NotificationBatch{Shard: shard.id, Offset: shard.offset})
		res.SessionId = shard.offset
		shard.sessions[shard.offset] = "session " + req.GetClientIdentity()
	})
	return res, err
}

func (s *server) KeepAlive(ctx context.Context, req *api.SessionHeartbeat) (*api.KeepAliveResponse, error) {
	known := false
	err := s.ask(ctx, "KeepAlive", req.GetShard(), func(shard *Shard) { known = shard.sessions[req.GetSessionId()] != "" })
	if err == nil && !known {
		err = api.NewError(api.ReasonSessionNotFound, "no such session", nil)
	}
	return &api.KeepAliveResponse{}, err
}

func (s *server) CloseSession(ctx context.Context, req *api.CloseSessionRequest) (*api.CloseSessionResponse, error) {
	known := false
	err := s.ask(ctx, "CloseSession", req.GetShard(), func(shard *Shard) {
		known = shard.sessions[req.GetSessionId()] != ""
		shard.EndSession(req.GetSessionId())
	})
	if err == nil && !known {
		err = api.NewError(api.ReasonSessionNotFound, "no such session", nil)
	}
	return &api.CloseSessionResponse{}, err
}

func (s *server) GetNotifications(req *api.NotificationsRequest, stream grpc.ServerStreamingServer[api.NotificationBatch]) error {
	after := int64(-1)
	if req.StartOffsetExclusive != nil {
		after = req.GetStartOffsetExclusive()
	}
	for {
		var batches []*api.NotificationBatch
		var gone error
		err := s.ask(stream.Context(), "GetNotifications", req.GetShard(), func(shard *Shard) {
			if after < 0 {
				after = shard.offset
				batches = append(batches, &api.NotificationBatch{Shard: shard.id, Offset: after})
				return
			}
			if after < shard.Trimmed {
				gone = api.NewError(api.ReasonNotificationsTrimmed, "too old",
					map[string]string{api.MetadataResumeAfter: strconv.FormatInt(shard.Trimmed, 10)})
			}
			for _, batch := range shard.log {
				if batch.GetOffset() > after && len(batch.GetNotifications()) > 0 {
					batches = append(batches, batch)
				}
			}
		})
		if err == nil {
			err = gone
		}
		if err != nil {
			return err
		}
		for _, batch := range batches {
			after = batch.GetOffset()
			if err := stream.Send(batch); err != nil {
				return err
			}
		}
		if !s.awaitMore(stream.Context(), req.GetShard(), after) {
			return nil
		}
	}
}

// awaitMore waits until the shard has more in its log than up to an offset, or is led by
// another. Asking wakes all who wait, so that it must not ask.
func (s *server) awaitMore(ctx context.Context, id, after int64) bool {
	f := s.cluster
	for {
		f.mu.Lock()
		shard, changed := f.Shard(id), f.changed
		more := shard == nil || shard.offset > after || shard.Leader != s.address
		if shard != nil && shard.offset > after && !shard.tells(after) {
			more = shard.Leader != s.address
		}
		f.mu.Unlock()
		if more {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// tells reports whether there is something to notify of after an offset.
func (s *Shard) tells(after int64) bool {
	return slices.ContainsFunc(s.log, func(b *api.NotificationBatch) bool {
		return b.GetOffset() > after && len(b.GetNotifications()) > 0
	})
}

func (s *server) GetSequenceUpdates(req *api.GetSequenceUpdatesRequest, stream grpc.ServerStreamingServer[api.GetSequenceUpdatesResponse]) error {
	told := ""
	for {
		newest := ""
		var at int64
		err := s.ask(stream.Context(), "GetSequenceUpdates", req.GetShard(), func(shard *Shard) {
			at = shard.offset
			for _, key := range shard.keys("", "") {
				if strings.HasPrefix(key, req.GetKey()+"-") {
					newest = key
				}
			}
		})
		if err != nil {
			return err
		}
		if newest != told {
			told = newest
			if err := stream.Send(&api.GetSequenceUpdatesResponse{HighestSequenceKey: newest}); err != nil {
				return err
			}
		}
		if !s.awaitMore(stream.Context(), req.GetShard(), at) {
			return fmt.Errorf("the stream's context ended")
		}
	}
}
