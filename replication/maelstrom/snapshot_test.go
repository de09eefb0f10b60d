package maelstrom

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (b *bench) writeMany(node string, from, to int) {
	b.t.Helper()
	for i := from; i < to; i++ {
		b.want("write_ok", node, "write", "key", i, "value", fmt.Sprint(i, strings.Repeat("x", 2000)))
	}
}

func (b *bench) readMany(node string, to int) {
	b.t.Helper()
	for i := range to {
		b.want(fmt.Sprintf("read_ok %q", fmt.Sprint(i, strings.Repeat("x", 2000))), node, "read", "key", i)
	}
}

// A node that was cut off while the others trimmed their logs installs a snapshot,
// in several parts, and goes on: the others can then do without each other.
func TestANodeThatWasCutOffInstallsASnapshot(t *testing.T) {
	inTrimmingBubble(t, 3, 5, func(b *bench) {
		b.until("n0", 3*time.Second)
		for _, other := range []string{"n0", "n1"} {
			b.cutLinks([2]string{"n2", other}, [2]string{other, "n2"})
		}
		b.pass(700 * time.Millisecond)
		b.until("n0", 3*time.Second)
		b.writeMany("n0", 0, 40)
		b.heal()
		b.until("n2", 3*time.Second)
		b.pass(time.Second)
		if n := b.snapshots("n2"); n == 0 {
			t.Error("no snapshot was installed")
		}
		b.stop("n0")
		b.until("n2", 3*time.Second)
		b.readMany("n2", 40)
		b.start("n0")
	})
}

// The same for a node that was down; and what it has is on its disk.
func TestANodeThatWasDownInstallsASnapshot(t *testing.T) {
	inTrimmingBubble(t, 3, 5, func(b *bench) {
		b.until("n0", 3*time.Second)
		b.writeMany("n1", 0, 10)
		b.stop("n2")
		b.until("n0", 3*time.Second)
		b.writeMany("n0", 10, 40)
		b.start("n2")
		b.pass(2 * time.Second)
		if n := b.snapshots("n2"); n == 0 {
			t.Error("no snapshot was installed")
		}
		for _, name := range b.names {
			b.stop(name)
		}
		b.start("n2")
		b.start("n1")
		b.until("n1", 3*time.Second)
		b.readMany("n2", 40)
		b.start("n0")
	})
}

// A node that lags by less than what the others keep needs none.
func TestANodeThatLagsALittleIsSentEntries(t *testing.T) {
	inTrimmingBubble(t, 3, 30, func(b *bench) {
		b.until("n0", 3*time.Second)
		b.stop("n2")
		b.until("n0", 3*time.Second)
		b.writeMany("n0", 0, 20)
		b.start("n2")
		b.until("n2", 3*time.Second)
		b.readMany("n2", 20)
		b.writeMany("n0", 20, 100)
		for _, name := range b.names {
			if n := b.snapshots(name); n > 0 {
				t.Errorf("%s installed %d snapshots", name, n)
			}
		}
	})
}
