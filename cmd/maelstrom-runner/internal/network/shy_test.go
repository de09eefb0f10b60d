package network_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAShyParticipantHearsItsHostAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := constant()
		for _, id := range []string{"c0", "c1", "n1"} {
			n.Join(id)
		}
		n0 := n.JoinShy("n0", "c0")
		start := time.Now()
		for _, src := range []string{"c1", "n1", "c0"} {
			send(t, n, src, "n0")
		}
		expect(t, arrival(t, n0, start), "c0 after 0s")
		n.Meet("n0")
		send(t, n, "c1", "n0")
		expect(t, arrival(t, n0, start), "c1 after 0s")
		n.Leave("n0")
		n0 = n.Join("n0")
		send(t, n, "c1", "n0")
		expect(t, arrival(t, n0, start), "c1 after 0s")
	})
}
