package main

import (
	"fmt"
	"strings"
	"testing"
)

func transactions(workload string, flags ...string) []string {
	return append([]string{"-w", workload, "--concurrency", "4n", "--rate", "1000", "--time-limit", "0.3", "--key-count", "3"}, flags...)
}

var txnWorkloads = []string{"txn-list-append", "txn-rw-register"}

func TestCorrectTransactionsAreValid(t *testing.T) {
	for _, w := range txnWorkloads {
		t.Run(w, func(t *testing.T) {
			t.Parallel()
			o := benchNode(t, "txn", transactions(w, "--nemesis", "kill,pause,partition,loss,duplicate,slow",
				"--nemesis-interval", "0.2", "--recovery-time", "1", "--latency", "1", "--seed", "5")...)
			o.expect(t, exitValid, "VALID")
			if o.result.Kinds["txn"].OK < 20 || len(o.result.Faults) == 0 {
				t.Errorf("%d transactions succeeded, under %d faults", o.result.Kinds["txn"].OK, len(o.result.Faults))
			}
		})
	}
}

func TestBrokenTransactionsAreInvalid(t *testing.T) {
	for kind, says := range map[string]string{
		"txn-stale":     "-realtime",
		"txn-committed": "would have to come before themselves",
		"txn-lossy":     "-realtime",
		"txn-torn":      "would have to come before themselves",
		"txn-dirty":     "G1a",
		"txn-other":     "steps were asked for",
	} {
		for _, w := range txnWorkloads {
			t.Run(fmt.Sprint(kind, " ", w), func(t *testing.T) {
				t.Parallel()
				var o outcome
				// A busy machine may leave little time for transactions.
				for _, limit := range []string{"0.3", "1", "5"} {
					o = benchNode(t, kind, transactions(w, "--time-limit", limit)...)
					if strings.Contains(o.out, says) {
						break
					}
				}
				o.expect(t, exitInvalid, says)
			})
		}
	}
}

func TestAStaleReplicaIsStillSerializable(t *testing.T) {
	for _, w := range txnWorkloads {
		t.Run(w, func(t *testing.T) {
			t.Parallel()
			benchNode(t, "txn-stale", transactions(w, "--consistency-models", "serializable")...).expect(t, exitValid, "VALID")
		})
	}
}
