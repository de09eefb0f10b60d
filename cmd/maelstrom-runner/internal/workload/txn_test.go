package workload_test

import (
	"math"
	"testing"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

func draw(t *testing.T, name string, n int) []transaction.Txn {
	t.Helper()
	g, pool := generator(t, name, 3, 3, 1)
	var drawn []transaction.Txn
	for range n {
		thread, op, ok := g.Next(pool)
		if !ok {
			t.Fatal("nothing to do for free threads")
		}
		drawn = append(drawn, op.Value.(transaction.Txn))
		pool.Busy(thread)
		pool.Done(thread, history.OK)
	}
	return drawn
}

func TestTransactionsAreElles(t *testing.T) {
	for name, write := range map[string]transaction.Function{
		"txn-list-append": transaction.Append, "txn-rw-register": transaction.Write,
	} {
		const n = 20_000
		written := make(map[[2]int]bool)
		perKey := make(map[int]int)
		lengths := make(map[int]int)
		steps, reads, newest := 0, 0, 0
		for _, txn := range draw(t, name, n) {
			lengths[len(txn.Steps)]++
			for _, s := range txn.Steps {
				steps++
				if newest = max(newest, s.Key); s.F == transaction.Read {
					reads++
					continue
				}
				value := [2]int{s.Key, s.Value}
				if s.F != write || written[value] || s.Value < 1 {
					t.Fatalf("%s: %+v", name, s)
				}
				written[value] = true
				perKey[s.Key]++
			}
		}
		for length := 1; length <= workload.DefaultMaxLength; length++ {
			if share := float64(lengths[length]) / n; math.Abs(share-0.25) > 0.02 {
				t.Errorf("%s: %.3f transactions have %d steps", name, share, length)
			}
		}
		if len(lengths) != workload.DefaultMaxLength {
			t.Errorf("%s: lengths %v", name, lengths)
		}
		// A write of a key that is used up draws again, and may then read.
		if share := float64(reads) / float64(steps); share < 0.5 || share > 0.54 {
			t.Errorf("%s: %.3f of the steps read", name, share)
		}
		for key, writes := range perKey {
			if writes > workload.DefaultMaxWritesPerKey {
				t.Errorf("%s: key %d is written %d times", name, key, writes)
			}
		}
		if want := steps / 2 / workload.DefaultMaxWritesPerKey; newest < want*8/10 || newest > want*12/10 {
			t.Errorf("%s: %d keys were used for %d steps, want about %d", name, newest, steps, want)
		}
	}
}

func TestEachKeyIsTwiceAsLikelyAsTheOneBefore(t *testing.T) {
	w, err := workload.New("txn-list-append", workload.Options{Transactions: workload.Transactions{
		KeyCount: 3, MaxLength: 1, MaxWritesPerKey: math.MaxInt,
	}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := w.Generator(workload.Setup{Nodes: 1, Threads: 1, Rng: seeded(1)})
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[int]int)
	const n = 70_000
	for range n {
		_, op, _ := g.Next(workload.NewPool(1))
		counts[op.Value.(transaction.Txn).Steps[0].Key]++
	}
	for key, want := range []int{n / 7, 2 * n / 7, 4 * n / 7} {
		if math.Abs(float64(counts[key]-want)) > n/50 {
			t.Errorf("key %d is drawn %d times, want about %d", key, counts[key], want)
		}
	}
}

func TestTransactionOutcomes(t *testing.T) {
	op := workload.Operation{F: "txn", Value: transaction.Txn{Data: transaction.Lists, Steps: []transaction.Step{
		{F: transaction.Read, Key: 1}, {F: transaction.Append, Key: 1, Value: 2},
	}}}
	for _, c := range []struct {
		answer    string
		want      history.Type
		malformed bool
	}{
		{`"type":"txn_ok","txn":[["r",1,[1]],["append",1,2]]`, history.OK, false},
		{`"type":"txn_ok","txn":[["r",1,[1]],["append",1,3]]`, history.Info, true},
		{`"type":"txn_ok","txn":[["r",1,[1]]]`, history.Info, true},
		{`"type":"error","code":30,"text":"conflict"`, history.Fail, false},
		{`"type":"error","code":11`, history.Fail, false},
		{`"type":"error","code":14`, history.Fail, false},
		{`"type":"error","code":13`, history.Info, false},
		{``, history.Info, false},
	} {
		done, asked, _ := invoke(t, "txn-list-append", op, c.answer)
		if done.Type != c.want || (done.Malformed != nil) != c.malformed {
			t.Errorf("%s: %+v, want %s", c.answer, done, c.want)
		}
		if want := `{"msg_id":1,"txn":[["r",1,null],["append",1,2]],"type":"txn"}`; asked != want {
			t.Errorf("got %s, want %s", asked, want)
		}
	}
}
