package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/client"
)

// acknowledged are the puts that clients know to be applied, by key and version.
type acknowledged struct {
	mu   sync.Mutex
	puts map[acknowledgedPut]bool
}

type acknowledgedPut struct {
	key     string
	version int64
}

func newAcknowledged() *acknowledged { return &acknowledged{puts: map[acknowledgedPut]bool{}} }

func (a *acknowledged) note(put client.PutResult, err error) {
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.puts[acknowledgedPut{put.Key, put.Version.ID}] = true
}

// journal writes keys of its own, each once, as fast as it is answered, and expects
// those that were acknowledged to be there at the end.
type journal struct {
	client *client.Client
	prefix string
	puts   *acknowledged
	kept   []string
	asked  int
}

// maxJournal bounds the keys of a journal, and so what the end of a run reads.
const maxJournal = 200_000

func (j *journal) run(ctx context.Context) {
	for ctx.Err() == nil && j.asked < maxJournal {
		j.asked++
		key := fmt.Sprintf("%s%08d", j.prefix, j.asked)
		asking, cancel := context.WithTimeout(ctx, askWithin)
		put, err := j.client.Put(asking, key, []byte(key), client.ExpectedVersion(client.NoVersion))
		cancel()
		j.puts.note(put, err)
		if err == nil {
			j.kept = append(j.kept, key)
			continue
		}
		sleepUntil(ctx, time.Now().Add(breath))
	}
}

// verify returns which acknowledged keys are missing.
func (j *journal) verify(ctx context.Context) error {
	there := map[string]bool{}
	for record, err := range j.client.RangeScan(ctx, j.prefix, j.prefix+"~") {
		if err != nil {
			return fmt.Errorf("read the journal %s: %w", j.prefix, err)
		}
		if string(record.Value) != record.Key {
			return fmt.Errorf("the value of %s is %q", record.Key, record.Value)
		}
		there[record.Key] = true
	}
	var lost []error
	for _, key := range j.kept {
		if !there[key] && len(lost) < 10 {
			lost = append(lost, fmt.Errorf("%s was acknowledged, and is not there", key))
		}
	}
	return errors.Join(lost...)
}
