package public

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Who does not read loses what they hold, and others have it; who reads in time does not.
func TestSlotIsLostByWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		first, err := s.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		closed := 0
		first.opened(func() { closed++ })
		for range 3 {
			if err := first.waiting(func() error { time.Sleep(scanPatience - 1); return nil }); err != nil {
				t.Fatalf("a client that reads in time: %v", err)
			}
		}
		next := make(chan *slot)
		go func() {
			got, err := s.take(t.Context())
			if err != nil {
				t.Error(err)
			}
			next <- got
		}()
		synctest.Wait()
		select {
		case <-next:
			t.Fatal("a slot was given twice")
		default:
		}
		if err := first.waiting(func() error { time.Sleep(scanPatience + 1); return nil }); !errors.Is(err, errTooSlow) {
			t.Errorf("a client that does not read: %v", err)
		}
		if closed != 1 {
			t.Errorf("what was open is closed %d times", closed)
		}
		second := <-next
		first.give() // it is not its own any more
		late, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := s.take(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third slot: %v", err)
		}
		second.give()
		third, err := s.take(t.Context())
		if err != nil || closed != 1 {
			t.Errorf("after all were given back: %v, closed %d times", err, closed)
		}
		third.give()
	})
}

// What a client is told of its own end is not that it was slow.
func TestErrorOfASlowClientIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held, err := newSlots(1).take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer held.give()
		broken := errors.New("broken")
		if err := held.waiting(func() error { time.Sleep(2 * scanPatience); return broken }); !errors.Is(err, broken) {
			t.Errorf("it ended with %v", err)
		}
	})
}
