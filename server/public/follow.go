package public

import (
	"context"

	"github.com/ostraka-db/ostraka/kv"
)

// follow keeps a client up to date for as long as this server leads the shard. It calls
// look at a moment no earlier than the call, again each time something was sent, and,
// when there was nothing, after each change of the shard. What look returns sends what
// it found; nil if there was nothing new.
func (s *Service) follow(ctx context.Context, t *target, look func(*kv.DB) (send func() error, err error)) error {
	view, err := t.confirm(ctx)
	if err != nil {
		return err
	}
	for {
		// First the channel, then the look: what comes in between is seen or told.
		term, changed := t.host.Changed(t.ID)
		if term == 0 {
			return t.notLeader()
		}
		var send func() error
		if err := view.Read(func(db *kv.DB) (err error) {
			send, err = look(db)
			return err
		}); err != nil {
			return t.failed(err)
		}
		if send != nil {
			if err := send(); err != nil {
				return err
			}
			select {
			case <-s.options.Ending:
				return ending()
			default:
				continue
			}
		}
		select {
		case <-changed:
		case <-s.options.Ending:
			return ending()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
