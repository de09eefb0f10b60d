package network_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

// arrivals counts what comes within a minute.
func arrivals(t *testing.T, b *network.Inbox) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := 0; ; n++ {
		if _, err := b.Recv(ctx); err != nil {
			return n
		}
	}
}

func TestLossAndDuplicationStrikeOnlyBetweenNodes(t *testing.T) {
	for _, c := range []struct {
		name           string
		begin, end     func(*network.Network)
		between, after int
	}{
		{"loss", func(n *network.Network) { n.Lose(1) }, func(n *network.Network) { n.Lose(0) }, 0, 100},
		{"duplication", func(n *network.Network) { n.Duplicate(1) }, func(n *network.Network) { n.Duplicate(0) }, 200, 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := constant()
			n0 := n.Join("n0")
			c0, service := n.Join("c0"), n.Join("lin-kv")
			n.Join("n1")
			inboxes := map[string]*network.Inbox{"n0": n0, "c0": c0, "lin-kv": service}
			expectFrom := func(src, dest string, want int) {
				t.Helper()
				for range 100 {
					send(t, n, src, dest)
				}
				if got := arrivals(t, inboxes[dest]); got != want {
					t.Errorf("%s: %d of 100 messages from %s to %s arrive, want %d", c.name, got, src, dest, want)
				}
			}
			c.begin(n)
			expectFrom("n1", "n0", c.between)
			expectFrom("c0", "n0", 100)
			expectFrom("n0", "c0", 100)
			expectFrom("n0", "lin-kv", 100)
			expectFrom("lin-kv", "n0", 100)
			c.end(n)
			expectFrom("n1", "n0", c.after)
			if counts := n.Counts(); counts.Lost+counts.Duplicated != 100 {
				t.Errorf("%s: %d lost and %d duplicated, want 100", c.name, counts.Lost, counts.Duplicated)
			}
		})
	}
}

func TestAShareOfMessagesIsLostOrDuplicated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0 := n.Join("n0")
		n.Join("n1")
		for share, inflict := range map[int]func(float64){700: n.Lose, 1300: n.Duplicate} {
			inflict(0.3)
			for range 1000 {
				send(t, n, "n1", "n0")
			}
			inflict(0)
			if got := arrivals(t, n0); got < share-60 || got > share+60 {
				t.Errorf("%d messages arrive, want about %d", got, share)
			}
		}
	})
}

func TestASlowNodeHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0, n1 := n.Join("n0"), n.Join("n1")
		n.Join("n2")
		n.Join("c0")
		n.Slow("n1", time.Second)
		start := time.Now()
		send(t, n, "n1", "n0")
		send(t, n, "n2", "n0")
		send(t, n, "n2", "n1")
		send(t, n, "c0", "n1")
		expect(t, arrival(t, n0, start), fmt.Sprintf("n2 after %v", mean))
		expect(t, arrival(t, n1, start), fmt.Sprintf("c0 after %v", mean))
		expect(t, arrival(t, n0, start), fmt.Sprintf("n1 after %v", time.Second+mean))
		expect(t, arrival(t, n1, start), fmt.Sprintf("n2 after %v", time.Second+mean))
		n.Slow("n1", 0)
		start = time.Now()
		send(t, n, "n1", "n0")
		expect(t, arrival(t, n0, start), fmt.Sprintf("n1 after %v", mean))
	})
}

func TestAReceiverWaitsForASlowMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0 := n.Join("n0")
		n.Join("n1")
		n.Slow("n0", time.Second)
		start := time.Now()
		send(t, n, "n1", "n0")
		expect(t, arrival(t, n0, start), fmt.Sprintf("n1 after %v", time.Second+mean))
	})
}
