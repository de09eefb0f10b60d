package service

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

func request(t testing.TB, h Handler, src, body string) string {
	t.Helper()
	out, err := json.Marshal(answer(h, message.Message{Src: src, Body: json.RawMessage(body)}))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestLinKV(t *testing.T) {
	kv := newLinearizable()
	for _, step := range []struct{ ask, want string }{
		{`{"type":"read","key":"x"}`, `{"code":20,"text":"key does not exist","type":"error"}`},
		{`{"type":"cas","key":"x","from":1,"to":2}`, `{"code":20,"text":"key does not exist","type":"error"}`},
		{`{"type":"cas","key":"x","from":1,"to":2,"create_if_not_exists":true}`, `{"type":"cas_ok"}`},
		{`{"type":"read","key":"x"}`, `{"type":"read_ok","value":2}`},
		{`{"type":"cas","key":"x","from":1,"to":3,"create_if_not_exists":true}`, `{"code":22,"text":"current value 2 is not 1","type":"error"}`},
		{`{"type":"cas","key":"x","from":2,"to":{"b":1,"a":[]}}`, `{"type":"cas_ok"}`},
		{`{"type":"cas","key":"x","from":{"a":[], "b":1},"to":null}`, `{"type":"cas_ok"}`},
		{`{"type":"read","key":"x"}`, `{"type":"read_ok","value":null}`},
		{`{"type":"write","key":["a",1],"value":"v"}`, `{"type":"write_ok"}`},
		{`{"type":"read","key":[ "a", 1 ]}`, `{"type":"read_ok","value":"v"}`},
		{`{"type":"read","key":"1"}`, `{"code":20,"text":"key does not exist","type":"error"}`},
		{`{"type":"delete","key":"x"}`, `{"code":10,"text":"a key-value service answers read, write and cas, not delete","type":"error"}`},
	} {
		if got := request(t, kv, "n0", step.ask); got != step.want {
			t.Errorf("%s: got %s, want %s", step.ask, got, step.want)
		}
	}
}

func TestLinTSOCounts(t *testing.T) {
	tso := &timestamps{}
	for want := range 3 {
		if got := request(t, tso, "n0", `{"type":"ts"}`); got != fmt.Sprintf(`{"ts":%d,"type":"ts_ok"}`, want) {
			t.Errorf("got %s, want %d", got, want)
		}
	}
}

// A register that only grows shows whether a client of seq-kv ever goes back.
func TestSeqKVNeverTakesAClientBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		kv := newSequential(rand.New(rand.NewPCG(seed, 0)))
		written := 0
		seen := map[string]int{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			client := rapid.SampledFrom([]string{"n0", "n1", "n2"}).Draw(t, "client")
			if rapid.Bool().Draw(t, "writes") {
				written++
				kv.Handle(client, Request{Type: "write", Key: "x", Value: fmt.Sprint(written)})
				seen[client] = written
				continue
			}
			value := 0
			if raw, ok := kv.Handle(client, Request{Type: "read", Key: "x"})["value"].(json.RawMessage); ok {
				if err := json.Unmarshal(raw, &value); err != nil {
					t.Fatal(err)
				}
			}
			if value < seen[client] || value < written-pastStates {
				t.Fatalf("%s saw %d, and then %d of %d", client, seen[client], value, written)
			}
			seen[client] = value
		}
	})
}

func TestSeqKVServesThePast(t *testing.T) {
	kv := newSequential(rand.New(rand.NewPCG(1, 1)))
	for i := range 10 {
		kv.Handle("n0", Request{Type: "write", Key: "x", Value: fmt.Sprint(i)})
	}
	for i := range 100 {
		reader := fmt.Sprint("reader", i)
		if got := request(t, kv, reader, `{"type":"read","key":"x"}`); got != `{"type":"read_ok","value":9}` {
			return
		}
	}
	t.Error("a hundred new readers all saw the newest value")
}

func TestLWWKVDisagreesAndConverges(t *testing.T) {
	disagreed := false
	for seed := range uint64(20) {
		kv := newLastWriteWins(rand.New(rand.NewPCG(seed, 1)))
		request(t, kv, "n0", `{"type":"write","key":"x","value":1}`)
		last := ""
		for range 100 {
			last = request(t, kv, "n0", `{"type":"read","key":"x"}`)
			disagreed = disagreed || last != `{"type":"read_ok","value":1}`
		}
		if last != `{"type":"read_ok","value":1}` {
			t.Errorf("seed %d: the last answer is %s", seed, last)
		}
	}
	if !disagreed {
		t.Error("the replicas always agreed")
	}
}

func TestServicesAnswerOverTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := network.New(network.Config{Latency: network.Latency{Dist: network.Constant}})
		inbox := net.Join("n0")
		ctx, stop := context.WithCancel(t.Context())
		wait := Serve(ctx, net, Defaults(1))
		for id, ask := range map[string]string{"lin-kv": "read", "seq-kv": "read", "lww-kv": "read", "lin-tso": "ts"} {
			body := fmt.Sprintf(`{"type":%q,"key":1,"msg_id":5}`, ask)
			if err := net.Send(message.Message{Src: "n0", Dest: id, Body: json.RawMessage(body)}); err != nil {
				t.Fatal(err)
			}
			m, err := inbox.Recv(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if to := m.Header().InReplyTo; m.Src != id || to == nil || *to != 5 {
				t.Errorf("%s answered %s from %s", id, m.Body, m.Src)
			}
		}
		stop()
		wait()
	})
}
