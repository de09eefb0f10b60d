package network_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

const mean = 10 * time.Millisecond

func constant() *network.Network {
	return network.New(network.Config{Latency: network.Latency{Mean: mean, Dist: network.Constant}})
}

func send(t *testing.T, n *network.Network, src, dest string) {
	t.Helper()
	if err := n.Send(message.Message{Src: src, Dest: dest, Body: []byte(fmt.Sprintf(`{"type":%q}`, src))}); err != nil {
		t.Fatal(err)
	}
}

// arrival waits for a message and says from whom it came and when.
func arrival(t *testing.T, b *network.Inbox, start time.Time) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	m, err := b.Recv(ctx)
	if err != nil {
		return "nothing"
	}
	return fmt.Sprintf("%s after %v", m.Src, time.Since(start))
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestServersWaitAndClientsDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0, c0, service := n.Join("n0"), n.Join("c0"), n.Join("lin-kv")
		n.Join("n1")
		for _, c := range []struct {
			src   string
			inbox *network.Inbox
			dest  string
			want  string
		}{
			{"n1", n0, "n0", "n1 after 10ms"},
			{"n0", service, "lin-kv", "n0 after 10ms"},
			{"lin-kv", n0, "n0", "lin-kv after 10ms"},
			{"c0", n0, "n0", "c0 after 0s"},
			{"n0", c0, "c0", "n0 after 0s"},
		} {
			start := time.Now()
			send(t, n, c.src, c.dest)
			expect(t, arrival(t, c.inbox, start), c.want)
		}
	})
}

// The receiver holds one message until it is due; what comes later waits behind it.
func TestAMessageInHandHoldsUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0 := n.Join("n0")
		n.Join("n1")
		n.Join("c0")
		start := time.Now()
		arrivals := make(chan string, 2)
		go func() {
			arrivals <- arrival(t, n0, start)
			arrivals <- arrival(t, n0, start)
		}()
		send(t, n, "n1", "n0")
		synctest.Wait() // the receiver has taken it
		send(t, n, "c0", "n0")
		expect(t, <-arrivals, "n1 after 10ms")
		expect(t, <-arrivals, "c0 after 10ms")
	})
}

func TestWhatIsDueFirstIsTakenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0 := n.Join("n0")
		n.Join("n1")
		n.Join("c0")
		start := time.Now()
		send(t, n, "n1", "n0")
		send(t, n, "c0", "n0")
		expect(t, arrival(t, n0, start), "c0 after 0s")
		expect(t, arrival(t, n0, start), "n1 after 10ms")
	})
}

func TestACutHasADirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0, n1 := n.Join("n0"), n.Join("n1")
		n.Drop(network.Grudge{"n0": {"n1"}})
		send(t, n, "n1", "n0")
		expect(t, arrival(t, n0, time.Now()), "nothing")
		start := time.Now()
		send(t, n, "n0", "n1")
		expect(t, arrival(t, n1, start), "n0 after 10ms")
		if cut := n.Counts().Cut; cut != 1 {
			t.Errorf("%d messages were cut, want 1", cut)
		}
	})
}

func TestACutIsLookedUpWhenTheReceiverTakesAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n0 := n.Join("n0")
		n.Join("n1")

		// Sent during the cut, taken after it.
		n.Drop(network.Grudge{"n0": {"n1"}})
		start := time.Now()
		send(t, n, "n1", "n0")
		n.Heal()
		expect(t, arrival(t, n0, start), "n1 after 10ms")

		// Sent before the cut, taken during it.
		send(t, n, "n1", "n0")
		n.Drop(network.Grudge{"n0": {"n1"}})
		expect(t, arrival(t, n0, start), "nothing")

		// Taken before the cut, due during it.
		n.Heal()
		start = time.Now()
		got := make(chan string, 1)
		go func() { got <- arrival(t, n0, start) }()
		send(t, n, "n1", "n0")
		synctest.Wait()
		n.Drop(network.Grudge{"n0": {"n1"}})
		expect(t, <-got, "n1 after 10ms")
	})
}

func TestUnknownParticipantsAreTheSendersMistake(t *testing.T) {
	n := constant()
	n.Join("n0")
	n.Join("c0")
	n.Leave("c0")
	if err := n.Send(message.Message{Src: "n0", Dest: "n7"}); !errors.Is(err, network.ErrUnknownDest) {
		t.Errorf("to nobody: %v", err)
	}
	if err := n.Send(message.Message{Src: "n7", Dest: "n0"}); !errors.Is(err, network.ErrUnknownSource) {
		t.Errorf("from nobody: %v", err)
	}
	if err := n.Send(message.Message{Src: "n0", Dest: "c0"}); err != nil {
		t.Errorf("to a client that left: %v", err)
	}
}

func TestWhatWaitsForANodeThatLeavesIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		n.Join("n0")
		n.Join("c0")
		send(t, n, "c0", "n0")
		n.Leave("n0")
		send(t, n, "c0", "n0")
		expect(t, arrival(t, n.Join("n0"), time.Now()), "nothing")
	})
}

func TestLossIsCounted(t *testing.T) {
	n := network.New(network.Config{Latency: network.Latency{Dist: network.Constant}, Loss: 0.25, Seed: 1})
	n.Join("n0")
	n.Join("n1")
	const sent = 4000
	for range sent {
		send(t, n, "n0", "n1")
	}
	c := n.Counts()
	if c.Sent[network.Peer] != sent || math.Abs(float64(c.Lost)/sent-0.25) > 0.03 {
		t.Errorf("lost %d of %d, want a quarter of %d", c.Lost, c.Sent[network.Peer], sent)
	}
}

func TestAnInboxIsBounded(t *testing.T) {
	n := constant()
	n.Join("n0")
	n.Join("c0")
	for range network.MaxQueued + 3 {
		send(t, n, "c0", "n0")
	}
	if over := n.Counts().Overflowed; over != 3 {
		t.Errorf("%d messages overflowed, want 3", over)
	}
}

func TestMessagesAreCountedByClassAndType(t *testing.T) {
	n := constant()
	for _, id := range []string{"n0", "n1", "c0", "lin-kv"} {
		n.Join(id)
	}
	send(t, n, "n0", "n1")
	send(t, n, "n0", "lin-kv")
	send(t, n, "lin-kv", "n0")
	send(t, n, "c0", "n0")
	c := n.Counts()
	if c.Sent[network.Peer] != 1 || c.Sent[network.Service] != 2 || c.Sent[network.Client] != 1 {
		t.Errorf("sent %v", c.Sent)
	}
	if c.Types[network.TypeKey{Class: network.Service, Type: "lin-kv"}] != 1 {
		t.Errorf("types %v", c.Types)
	}
}

func TestDistributionsHaveTheirMeanAndShape(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		dist      network.Distribution
		mean, max float64 // max 0: none
	}{
		{network.Constant, 50, 50},
		{network.Uniform, 49.5, 99}, // whole milliseconds, rounded down
		{network.Exponential, 49.5, 0},
	} {
		l := network.Latency{Mean: 50 * time.Millisecond, Dist: c.dist}
		const n = 20000
		var sum, largest float64
		for range n {
			ms := float64(l.Draw(rng)) / float64(time.Millisecond)
			sum, largest = sum+ms, max(largest, ms)
		}
		if math.Abs(sum/n-c.mean) > 1.5 {
			t.Errorf("%s: mean %.1f ms, want %.1f", c.dist, sum/n, c.mean)
		}
		if c.max > 0 && largest != c.max || c.max == 0 && largest < 300 {
			t.Errorf("%s: the largest latency is %.0f ms", c.dist, largest)
		}
	}
}
