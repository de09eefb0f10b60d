package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

func leaseGoesToOne(t *testing.T, open func() metadata.Provider) {
	const candidates = 4
	for version := range int64(5) {
		var wait sync.WaitGroup
		won := make(chan string, candidates)
		for i := range candidates {
			p := open()
			wait.Go(func() {
				name := fmt.Sprintf("c%d", i)
				err := p.WriteLease(context.Background(), metadata.Lease{Holder: name, Run: uint64(version) + 1}, version)
				switch {
				case err == nil:
					won <- name
				case !errors.Is(err, metadata.ErrConflict):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Fatalf("version %d was won by %d", version, len(won))
		}
		lease, now, err := open().ReadLease(t.Context())
		if holder := <-won; err != nil || lease.Holder != holder || lease.Run != uint64(version)+1 || now != version+1 {
			t.Fatalf("%s won, and there is %+v in version %d (%v)", holder, lease, now, err)
		}
	}
}

func leaseChangesAreTold(t *testing.T, open func() metadata.Provider) {
	holder, waiter := open(), open()
	for version := range int64(3) {
		if err := holder.WriteLease(t.Context(), metadata.Lease{Holder: "a", Beat: uint64(version)}, version); err != nil {
			t.Fatal(err)
		}
		for seen := int64(-1); seen <= version; {
			select {
			case <-waiter.LeaseChanged():
			case <-time.After(patience):
				t.Fatal("the change was not told")
			}
			var err error
			if _, seen, err = waiter.ReadLease(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// candidate is one that runs for the lease.
type candidate struct {
	name string
	stop context.CancelFunc
	done chan struct{}
}

// stand lets a candidate run, which tells of each reign.
func stand(t *testing.T, p metadata.Provider, name string, o lease.Options, reigns chan<- reign) candidate {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := candidate{name: name, stop: stop, done: make(chan struct{})}
	o.Name = name
	go func() {
		defer close(c.done)
		lease.NewCandidate(p, o).Run(ctx, func(ctx context.Context, grant lease.Grant) {
			reigns <- reign{name, grant.Run}
			<-ctx.Done()
		})
	}()
	t.Cleanup(func() {
		stop()
		<-c.done
	})
	return c
}

type reign struct {
	name string
	run  uint64
}

func nextReign(t *testing.T, reigns <-chan reign) reign {
	t.Helper()
	select {
	case r := <-reigns:
		return r
	case <-time.After(patience):
		t.Fatal("nobody leads")
		return reign{}
	}
}

// Each candidate comes to lead when the one before gives up, in a reign of a higher
// number, and no two while the store and they are well.
func candidatesLeadInTurn(t *testing.T, open func() metadata.Provider) {
	const candidates = 3
	// Nobody is taken for dead here, however slow the machine.
	options := lease.Options{Beat: 50 * time.Millisecond, Hold: 5 * patience, Look: time.Second}
	reigns := make(chan reign, candidates)
	standing := map[string]candidate{}
	for i := range candidates {
		c := stand(t, open(), fmt.Sprintf("c%d", i), options, reigns)
		standing[c.name] = c
	}
	last := reign{}
	for range candidates {
		now := nextReign(t, reigns)
		if now.run <= last.run {
			t.Fatalf("after %+v came %+v", last, now)
		}
		select {
		case other := <-reigns:
			t.Fatalf("%+v leads while %+v does", other, now)
		default:
		}
		c := standing[now.name]
		c.stop()
		<-c.done
		last = now
	}
}

// A holder that does not renew the lease any more is replaced, and a write of it that
// was under way comes to nothing.
func deadHolderIsReplaced(t *testing.T, open func() metadata.Provider) {
	dead := open()
	held := metadata.Lease{Holder: "dead", Run: 7}
	if err := dead.WriteLease(t.Context(), held, 0); err != nil {
		t.Fatal(err)
	}
	reigns := make(chan reign, 1)
	stand(t, open(), "heir", lease.Options{Beat: time.Second, Hold: 300 * time.Millisecond}, reigns)
	if r := nextReign(t, reigns); r.run <= held.Run {
		t.Errorf("the next reign is %d", r.run)
	}
	held.Beat++
	if err := dead.WriteLease(t.Context(), held, 1); !errors.Is(err, metadata.ErrConflict) {
		t.Errorf("the dead one wrote: %v", err)
	}
}
