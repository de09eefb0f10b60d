package sim

import (
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// notificationPage is how much of what changed is read at a time: little, so that pages
// meet.
const notificationPage = 7

// putTold is a put as notifications tell it.
type putTold struct {
	key     string
	version int64
}

// notificationsAgree: a replica tells of every put that clients know to have happened,
// once, and in the order of the log.
func (w *world) notificationsAgree(shard replication.ShardID, db *kv.DB) error {
	told := map[putTold]int64{}
	for after := int64(0); ; {
		page, err := db.Notifications(kv.ShardID(shard), after, kv.NotificationLimits{Batches: notificationPage})
		if errors.Is(err, kv.ErrNotificationsDisabled) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, batch := range page.Batches {
			if batch.GetOffset() <= after {
				return fmt.Errorf("shard %d tells of offset %d after %d", shard, batch.GetOffset(), after)
			}
			after = batch.GetOffset()
			for _, n := range batch.GetNotifications() {
				if t := n.GetValue().GetType(); t != api.NotificationType_KEY_CREATED && t != api.NotificationType_KEY_MODIFIED {
					continue
				}
				put := putTold{n.GetKey(), n.GetValue().GetVersionId()}
				if first, twice := told[put]; twice {
					return fmt.Errorf("shard %d tells of version %d of %s at %d and at %d", shard, put.version, put.key, first, after)
				}
				told[put] = after
			}
		}
		if len(page.Batches) == 0 {
			break
		}
		after = page.Through
	}
	for _, put := range w.clients.history.puts[shard] {
		if told[putTold{put.key, put.version}] == 0 {
			return fmt.Errorf("shard %d does not tell of version %d of %s", shard, put.version, put.key)
		}
	}
	return nil
}
