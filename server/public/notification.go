package public

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// GetNotifications implements api.OxiaClientServer. Without an offset to begin after it
// begins at the present, which an empty batch names first, so that a client that loses
// the stream before anything happens knows where to resume.
func (s *Service) GetNotifications(
	req *api.NotificationsRequest, stream grpc.ServerStreamingServer[api.NotificationBatch],
) error {
	t, err := s.target(&req.Shard)
	if err != nil {
		return err
	}
	n := &notices{service: s, target: t, stream: stream, after: req.StartOffsetExclusive}
	return s.follow(stream.Context(), t, n.look)
}

// notices is a stream of notifications.
type notices struct {
	service *Service
	*target
	stream grpc.ServerStreamingServer[api.NotificationBatch]
	// after is the offset up to which the client has been told; nil before the first
	// look of one that named none.
	after *int64
	// begun is set when it was seen that the offset is one that there was.
	begun bool
}

// look returns what sends what follows.
func (n *notices) look(db *kv.DB) (func() error, error) {
	if !n.begun {
		anchor, err := n.begin(db)
		if err != nil || anchor != nil {
			return anchor, err
		}
	}
	page, err := db.Notifications(n.kvID(), *n.after, kv.NotificationLimits{Batches: maxNoticeBatches, Bytes: api.MaxChunkBytes})
	if err != nil {
		return nil, err
	}
	n.after = &page.Through
	if len(page.Batches) == 0 {
		return nil, nil
	}
	return func() error {
		for _, batch := range page.Batches {
			if err := n.stream.Send(batch); err != nil {
				return err
			}
			n.service.options.Observer.NotificationsSent(time.Since(time.UnixMilli(int64(batch.GetTimestamp()))))
		}
		return nil
	}, nil
}

// begin finds out where the stream begins, and returns what says so to a client that
// did not.
func (n *notices) begin(db *kv.DB) (func() error, error) {
	applied, err := db.Applied(n.kvID())
	if err != nil {
		return nil, err
	}
	n.begun = true
	if n.after != nil {
		if *n.after > applied.Offset {
			return nil, invalid("start_offset_exclusive", fmt.Sprintf("is %d, and the last entry of shard %d is %d", *n.after, n.ID, applied.Offset),
				"send the offset of a batch of this shard, or none")
		}
		return nil, nil
	}
	// Nothing has happened after that, but the shard may keep no notifications at all.
	if _, err := db.Notifications(n.kvID(), applied.Offset, kv.NotificationLimits{Batches: 1}); err != nil {
		return nil, err
	}
	n.after = &applied.Offset
	return func() error {
		return n.stream.Send(&api.NotificationBatch{Shard: int64(n.ID), Offset: applied.Offset, Timestamp: uint64(time.Now().UnixMilli())})
	}, nil
}

// trimmed says from where on nothing is missing.
func trimmed(e *kv.NotificationsTrimmedError) error {
	return api.NewError(api.ReasonNotificationsTrimmed, e.Error(),
		map[string]string{api.MetadataResumeAfter: strconv.FormatInt(e.ResumeAfter, 10)})
}
