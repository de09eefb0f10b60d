package maelstrom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/wal"
)

func (b *bench) want(want, node, kind string, fields ...any) {
	b.t.Helper()
	if got := b.linKV(node, kind, fields...); got != want {
		b.t.Errorf("%s of %v at %s: %s, want %s", kind, fields, node, got, want)
	}
}

func TestEveryNodeAnswersEveryClient(t *testing.T) {
	inBubble(t, 3, func(b *bench) {
		b.until("n0", 3*time.Second)
		for _, node := range b.names {
			b.want("error 20", node, "read", "key", node)
			b.want("error 20", node, "cas", "key", node, "from", 1, "to", 2)
			b.want("write_ok", node, "write", "key", node, "value", 1)
			b.want("error 22", node, "cas", "key", node, "from", 2, "to", 3)
			b.want("cas_ok", node, "cas", "key", node, "from", 1, "to", map[string]any{"b": 1, "a": []int{2}})
		}
		for _, node := range b.names {
			for _, key := range b.names {
				b.want(`read_ok {"a":[2],"b":1}`, node, "read", "key", key)
			}
		}
		b.want("error 20", "n0", "read", "key", 7)
		b.want("write_ok", "n0", "write", "key", 7, "value", nil)
		b.want("error 20", "n1", "read", "key", "7")
		b.want("cas_ok", "n2", "cas", "key", 7, "from", nil, "to", "x")
		b.want(`read_ok "x"`, "n1", "read", "key", 7)
	})
}

func TestRequestsThatMakeNoSenseAreRefused(t *testing.T) {
	inBubble(t, 1, func(b *bench) {
		b.want("error 12", "n0", "read")
		b.want("error 12", "n0", "write", "key", 1)
		b.want("error 12", "n0", "cas", "key", 1, "to", 1)
		b.want("error 12", "n0", "write", "key", 1, "value", strings.Repeat("x", maxRequestBytes))
		b.want("error 12", "n0", "init", "node_id", "n0", "node_ids", b.names)
		for _, txn := range []any{
			nil, 5, []any{}, []any{5}, []any{[]any{"r", 1}}, []any{[]any{"r", 1, 5}}, []any{[]any{"x", 1, nil}},
			[]any{[]any{"w", 1, 1}, []any{"append", 1, 1}}, []any{[]any{"append", 1, strings.Repeat("x", maxRequestBytes)}},
		} {
			b.want("error 12", "n0", "txn", "txn", txn)
		}
		for _, kind := range unsupported {
			b.want("error 10", "n0", kind)
		}
	})
}

func TestTheLargestRecordGoesThroughEveryLine(t *testing.T) {
	inBubble(t, 3, func(b *bench) {
		b.until("n0", 3*time.Second)
		value := strings.Repeat("x", maxRequestBytes-32) // leaves room for the request's other fields
		for _, node := range b.names {
			b.want("write_ok", node, "write", "key", "n0", "value", value)
			b.want(`read_ok "`+value+`"`, node, "read", "key", "n0")
		}
		if b.longest > maxLineBytes {
			t.Errorf("a line of %d bytes", b.longest)
		}
	})
}

func TestTransactionsReadWhatTheyAndOthersWrote(t *testing.T) {
	inBubble(t, 3, func(b *bench) {
		b.until("n0", 3*time.Second)
		for i, c := range []struct{ asked, answered string }{
			// Lists, registers and lin-kv share no key.
			{`[["r",1,null],["r","until",null]]`, `[["r",1,null],["r","until",null]]`},
			{`[["r",1,null],["append",1,6],["r",1,null],["append",2,9]]`, `[["r",1,null],["append",1,6],["r",1,[6]],["append",2,9]]`},
			{`[["append",1,{"b":"\\n","a":[]}],["r",1,null]]`, `[["append",1,{"b":"\\n","a":[]}],["r",1,[6,{"a":[],"b":"\\n"}]]]`},
			{`[["r",1,null],["r",2,null],["r",3,null]]`, `[["r",1,[6,{"a":[],"b":"\\n"}]],["r",2,[9]],["r",3,null]]`},
			{`[["r",1,null],["w",1,8],["r",1,null],["w",1,null],["r",1,null]]`, `[["r",1,null],["w",1,8],["r",1,8],["w",1,null],["r",1,null]]`},
			{`[["w",4,"x"]]`, `[["w",4,"x"]]`},
			{`[["r",4,null],["r","4",null]]`, `[["r",4,"x"],["r","4",null]]`},
		} {
			node := b.names[i%len(b.names)]
			b.want("txn_ok "+c.answered, node, "txn", "txn", json.RawMessage(c.asked))
		}
		b.want("error 20", "n0", "read", "key", 1)
	})
}

func TestEchoAndUniqueIDs(t *testing.T) {
	inBubble(t, 2, func(b *bench) {
		var echo map[string]json.RawMessage
		_ = json.Unmarshal(b.ask("n1", map[string]any{"type": "echo", "echo": 12345678901234567, "more": "x"}).Body, &echo)
		if string(echo["type"]) != `"echo_ok"` || string(echo["echo"]) != "12345678901234567" || string(echo["more"]) != `"x"` {
			t.Errorf("echoed %s", echo)
		}
		seen := map[string]bool{}
		for range 20 {
			for _, node := range b.names {
				var generated struct{ Type, ID string }
				_ = json.Unmarshal(b.ask(node, map[string]any{"type": "generate"}).Body, &generated)
				if generated.Type != "generate_ok" || generated.ID == "" || seen[generated.ID] {
					t.Fatalf("generated %+v", generated)
				}
				seen[generated.ID] = true
			}
		}
	})
}

func TestARingOfMajoritiesServesEverybody(t *testing.T) {
	inBubble(t, 3, func(b *bench) {
		b.until("n0", 3*time.Second)
		// n0 hears n2, n1 hears n0, n2 hears n1.
		b.cutLinks([2]string{"n1", "n0"}, [2]string{"n2", "n1"}, [2]string{"n0", "n2"})
		b.pass(500 * time.Millisecond)
		for _, node := range b.names {
			b.until(node, 2*time.Second)
			b.want("read_ok 1", node, "read", "key", "until")
		}
		if b.relays() == 0 {
			t.Error("nothing was passed on")
		}
		b.heal()
		b.pass(500 * time.Millisecond)
		before := b.relays()
		b.until("n1", time.Second)
		b.pass(500 * time.Millisecond)
		if after := b.relays(); after != before {
			t.Errorf("%d envelopes were passed on after healing", after-before)
		}
	})
}

func TestANodeThatIsAloneAnswersInTimeAndRecovers(t *testing.T) {
	for _, alone := range []string{"n0", "n1", "n2"} {
		t.Run(alone, func(t *testing.T) {
			inBubble(t, 3, func(b *bench) {
				b.until("n0", 3*time.Second)
				for _, other := range b.names {
					b.cutLinks([2]string{alone, other}, [2]string{other, alone})
				}
				b.pass(700 * time.Millisecond)
				b.want("error 11", alone, "read", "key", "until")
				b.want("error 11", alone, "cas", "key", "until", "from", 1, "to", 2)
				b.want("error 11", alone, "txn", "txn", json.RawMessage(`[["r",1,null]]`))
				b.want("error 11", alone, "txn", "txn", json.RawMessage(`[["r",1,null],["append",1,1]]`))
				for _, other := range b.names {
					if other != alone {
						b.until(other, 2*time.Second)
					}
				}
				b.heal()
				b.until(alone, 2*time.Second)
			})
		})
	}
}

func TestARestartKeepsWhatWasWritten(t *testing.T) {
	inBubble(t, 3, func(b *bench) {
		b.until("n0", 3*time.Second)
		for i := range 20 {
			b.want("write_ok", "n1", "write", "key", i, "value", i)
		}
		for _, name := range b.names {
			b.stop(name)
		}
		for _, name := range b.names {
			b.start(name)
		}
		b.until("n0", 3*time.Second)
		for i := range 20 {
			b.want(fmt.Sprintf("read_ok %d", i), "n2", "read", "key", i)
		}
	})
}

// A node whose disk was wiped must not vote as an empty one: with two of them,
// what they acknowledged could be lost, so that the shard stays down.
func TestNodesThatLostTheirDisksDoNotVote(t *testing.T) {
	inBubble(t, 3, func(b *bench) {
		b.until("n0", 3*time.Second)
		b.stop("n0")
		b.stop("n1")
		b.wipe()
		b.start("n0")
		b.start("n1")
		for range 5 {
			b.want("error 11", "n0", "write", "key", 1, "value", 1)
			b.want("error 11", "n2", "read", "key", "until")
		}
	})
}

func TestALogThatFailsEndsTheNode(t *testing.T) {
	disk, err := storage.Open(diskOptions(Config{DataDir: t.TempDir()}))
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Log().Close(); err != nil {
		t.Fatal(err)
	}
	in, feed := io.Pipe()
	a := newAdapter(Config{
		RequestTimeout: time.Second, Options: DefaultOptions(), Logger: slog.New(slog.DiscardHandler),
		Stdin: in, Stdout: io.Discard,
	}, disk)
	go func() {
		_, _ = io.WriteString(feed, `{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}`+"\n")
	}()
	if err := a.work(t.Context()); !errors.Is(err, wal.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
	_ = feed.Close()
	if err := disk.State().Close(); err != nil {
		t.Fatal(err)
	}
}
