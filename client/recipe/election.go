package recipe

import (
	"context"
	"fmt"
	"iter"

	"github.com/ostraka-db/ostraka/client"
)

// Candidate is who leads, as the record of an election says.
type Candidate struct {
	// Name is what the candidate called itself, empty if nobody leads.
	Name string
	// Token is greater with each leadership; it is meaningless if nobody leads.
	Token int64
	// Leads says whether somebody leads.
	Leads bool
}

// Campaign waits until nobody else leads, and then leads: until the lock that it returns
// is released or lost. Release resigns.
func Campaign(ctx context.Context, c *client.Client, key, name string, options ...Option) (*Lock, error) {
	return Acquire(ctx, c, key, append(options, WithValue([]byte(name)))...)
}

// Leader returns who leads at the moment.
func Leader(ctx context.Context, c *client.Client, key string, options ...Option) (Candidate, error) {
	record, found, err := look(ctx, c, key, settingsOf(options))
	if err != nil {
		return Candidate{}, fmt.Errorf("leader by %q: %w", key, err)
	}
	return candidate(record, found), nil
}

func candidate(record client.Record, found bool) Candidate {
	return Candidate{Name: string(record.Value), Token: record.Version.ID, Leads: found}
}

// Observe yields who leads, at once and after each change, until the context ends, which
// is the last error. Leaderships that ended before they were looked at are left out.
func Observe(ctx context.Context, c *client.Client, key string, options ...Option) iter.Seq2[Candidate, error] {
	s := settingsOf(options)
	return func(yield func(Candidate, error) bool) {
		events, err := c.Subscribe(ctx, client.PartitionKey(s.route(key)))
		if err != nil {
			yield(Candidate{}, fmt.Errorf("observe %q: %w", key, err))
			return
		}
		defer events.Close()
		var last *Candidate
		for {
			now, err := Leader(ctx, c, key, options...)
			if err != nil {
				yield(Candidate{}, err)
				return
			}
			if last == nil || now != *last {
				last = &now
				if !yield(now, nil) {
					return
				}
			}
			for about := false; !about; {
				event, err := events.Next(ctx)
				if err != nil {
					yield(Candidate{}, fmt.Errorf("observe %q: %w", key, err))
					return
				}
				about = concerns(event, key)
			}
		}
	}
}
