package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/client"
)

// listener hears of every change.
type listener struct {
	subscription *client.Subscription
	// offsets is how far each shard was heard, and told the puts that were heard of.
	offsets map[int64]int64
	told    map[acknowledgedPut]int64
	events  int
	wrong   error
}

func listen(ctx context.Context, c *client.Client) (*listener, error) {
	subscription, err := c.Subscribe(ctx)
	if err != nil {
		return nil, err
	}
	return &listener{subscription: subscription, offsets: map[int64]int64{}, told: map[acknowledgedPut]int64{}}, nil
}

// run listens until the context ends, or something is wrong.
func (l *listener) run(ctx context.Context) {
	for l.wrong == nil && ctx.Err() == nil {
		event, err := l.subscription.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				l.wrong = fmt.Errorf("the notifications ended: %w", err)
			}
			return
		}
		l.wrong = l.hear(event)
	}
}

// hear takes a change. What a shard tells never goes back, and nothing is told again
// under another offset.
func (l *listener) hear(event client.Event) error {
	l.events++
	if event.Type == client.EventGap {
		return fmt.Errorf("shard %d dropped what came after %d up to %d, which nobody was long enough away for",
			event.Shard, event.ResumedFrom, event.Offset)
	}
	if last := l.offsets[event.Shard]; event.Offset < last {
		return fmt.Errorf("shard %d told of offset %d (%s) after %d", event.Shard, event.Offset, event.Key, last)
	}
	l.offsets[event.Shard] = event.Offset
	if event.Type != client.EventCreated && event.Type != client.EventModified {
		return nil
	}
	put := acknowledgedPut{event.Key, event.VersionID}
	if first, heard := l.told[put]; heard {
		return fmt.Errorf("the put of %s with version %d is told at offset %d, and at %d", put.key, put.version, first, event.Offset)
	}
	l.told[put] = event.Offset
	return nil
}

// missing returns how many acknowledged puts were not heard of, and one of them.
func (l *listener) missing(puts *acknowledged) (int, acknowledgedPut) {
	count, one := 0, acknowledgedPut{}
	for put := range puts.puts {
		if _, heard := l.told[put]; !heard {
			count, one = count+1, put
		}
	}
	return count, one
}

// verify listens on until every acknowledged put was heard of.
func (l *listener) verify(ctx context.Context, puts *acknowledged) error {
	defer l.subscription.Close()
	for l.wrong == nil {
		count, one := l.missing(puts)
		if count == 0 {
			return nil
		}
		listening, cancel := context.WithTimeout(ctx, time.Second)
		l.run(listening)
		cancel()
		if err := ctx.Err(); err != nil {
			return errors.Join(l.wrong, fmt.Errorf("of %d acknowledged puts nothing was heard, one of them %s with version %d",
				count, one.key, one.version))
		}
	}
	return l.wrong
}
