package server

import (
	"context"
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

const (
	// trimEvery is how often it is looked which shards have notifications to let go of.
	trimEvery = time.Second
	// leastTrimPause and mostTrimPause bound how long a shard is left alone after it was
	// looked through; a tenth of its retention lies between.
	leastTrimPause = 500 * time.Millisecond
	mostTrimPause  = 5 * time.Minute
	// trimWithin bounds one trim.
	trimWithin = 2 * time.Second
)

// trimNotifications lets the shards that are led here go of notifications that were kept
// for long enough.
func (s *Server) trimNotifications() {
	next := map[replication.ShardID]time.Time{}
	ticker := time.NewTicker(trimEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopping:
			return
		case now := <-ticker.C:
			if h := s.replicas(); h != nil {
				s.trimDue(h, now, next)
			}
		}
	}
}

// trimDue looks through the shards that are led here and were left alone for their time.
func (s *Server) trimDue(h *host.Host, now time.Time, next map[replication.ShardID]time.Time) {
	for _, shard := range h.Shards() {
		if now.Before(next[shard]) {
			continue
		}
		if term, _ := h.Changed(shard); term == 0 {
			delete(next, shard)
			continue
		}
		retention, err := s.trimShard(h, shard, now)
		if err != nil {
			// The next leader, or this one at its next look, will do it.
			s.config.Logger.Debug("notifications are not trimmed", "shard", shard, "error", err)
		}
		next[shard] = now.Add(min(max(retention/10, leastTrimPause), mostTrimPause))
	}
}

// trimShard proposes to let go of what is older than the shard's retention, which it
// returns.
func (s *Server) trimShard(h *host.Host, shard replication.ShardID, now time.Time) (retention time.Duration, err error) {
	through := int64(0)
	err = h.Peek(shard, func(db *kv.DB) error {
		settings, err := db.Settings(kv.ShardID(shard))
		if err != nil {
			return err
		}
		retention = time.Duration(settings.GetNotificationRetentionMs()) * time.Millisecond
		if s.config.NotificationRetention > 0 {
			retention = s.config.NotificationRetention
		}
		through, err = db.NotificationsBefore(kv.ShardID(shard), uint64(now.Add(-retention).UnixMilli()))
		return err
	})
	if err != nil || through == 0 {
		return retention, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), trimWithin)
	defer cancel()
	call, err := h.Write(ctx, shard, kv.TrimNotificationsPayload(through))
	if err != nil {
		return retention, err
	}
	<-call.Done()
	_, _, err = call.Written()
	return retention, err
}
