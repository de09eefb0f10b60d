package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// askWithin bounds an operation of the registers' clients: they are to see the time of
// a fault, and not to sleep through it.
const askWithin = 3 * time.Second

// breath is between two operations of a client, at most, and after a failure: no more
// of them than a search through the history can bear.
const breath = 20 * time.Millisecond

func registerKey(n int) string { return fmt.Sprintf("register/%02d", n) }

// registers is one client of some registers.
type registers struct {
	client   *client.Client
	recorder *recorder
	thread   int
	keys     int
	draw     *rand.Rand
	process  history.Process
	written  int
	// puts is told each put that was acknowledged.
	puts *acknowledged
}

// run asks until the context ends. Every value is written once.
func (w *registers) run(ctx context.Context) {
	w.process = w.recorder.process()
	for ctx.Err() == nil {
		key := w.draw.IntN(w.keys)
		room := true
		switch w.draw.IntN(4) {
		case 0, 1:
			room = w.read(ctx, key)
		case 2:
			room = w.write(ctx, key)
		default:
			room = w.compareAndSet(ctx, key)
		}
		if !room {
			return
		}
		sleepUntil(ctx, time.Now().Add(time.Duration(w.draw.Int64N(int64(breath)))))
	}
}

func (w *registers) value() string {
	w.written++
	return strconv.Quote(fmt.Sprintf("%d.%d", w.thread, w.written))
}

// ask records an operation. Do returns what is known at the end of it.
func (w *registers) ask(ctx context.Context, f string, asked checker.Register, do func(context.Context) (checker.Register, error)) bool {
	event := history.Event{Type: history.Invoke, Process: w.process, Thread: w.thread, F: f, Value: asked}
	w.recorder.add(event)
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	known, err := do(asking)
	event.Value = known
	switch {
	case err == nil:
		event.Type = history.OK
	case f == checker.Read || !errors.Is(err, client.ErrUnknownOutcome):
		// The client says that what it does not call unknown was not applied.
		event.Type, event.Value, event.Error = history.Fail, asked, err.Error()
	default:
		event.Type, event.Value, event.Error = history.Info, asked, err.Error()
	}
	room := w.recorder.add(event)
	if event.Type == history.Info {
		w.process = w.recorder.process()
	}
	return room
}

func (w *registers) read(ctx context.Context, key int) bool {
	asked := checker.Register{Key: key, Value: checker.Absent}
	return w.ask(ctx, checker.Read, asked, func(ctx context.Context) (checker.Register, error) {
		record, err := w.client.Get(ctx, registerKey(key))
		if errors.Is(err, client.ErrKeyNotFound) {
			return asked, nil
		}
		return checker.Register{Key: key, Value: string(record.Value)}, err
	})
}

func (w *registers) write(ctx context.Context, key int) bool {
	asked := checker.Register{Key: key, Value: w.value()}
	return w.ask(ctx, checker.Write, asked, func(ctx context.Context) (checker.Register, error) {
		put, err := w.client.Put(ctx, registerKey(key), []byte(asked.Value))
		w.puts.note(put, err)
		return asked, err
	})
}

// compareAndSet puts over what it has just read, by its version. No value is written
// twice, so a version stands for a value.
func (w *registers) compareAndSet(ctx context.Context, key int) bool {
	reading, cancel := context.WithTimeout(ctx, askWithin)
	record, err := w.client.Get(reading, registerKey(key))
	cancel()
	if err != nil {
		return true
	}
	asked := checker.Register{Key: key, From: string(record.Value), To: w.value()}
	return w.ask(ctx, checker.CAS, asked, func(ctx context.Context) (checker.Register, error) {
		put, err := w.client.Put(ctx, registerKey(key), []byte(asked.To), client.ExpectedVersion(record.Version.ID))
		w.puts.note(put, err)
		return asked, err
	})
}
