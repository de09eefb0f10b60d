package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ostraka-db/ostraka/replication"
)

// checkWithin is how long, in real time, the search for an order of one register's
// operations may take.
const checkWithin = 5 * time.Second

// check holds the history against what a linearizable store does.
func (w *world) check() {
	h := &w.clients.history
	for _, r := range h.registers() {
		switch porcupine.CheckOperationsTimeout(registerModel, porcupineCalls(h.calls[r]), checkWithin) {
		case porcupine.Illegal:
			w.fail(fmt.Errorf("register %s of shard %d is not linearizable:\n%s", r.key, r.shard, renderCalls(h.calls[r])))
			return
		case porcupine.Unknown:
			w.report.Unchecked++
		}
	}
	if err := h.scansAgree(); err != nil {
		w.fail(err)
	}
	if err := h.versionsAscend(); err != nil {
		w.fail(err)
	}
	if err := h.txnsAreSerial(); err != nil {
		w.fail(err)
	}
}

func (h *histories) registers() []register {
	all := make([]register, 0, len(h.calls))
	for r := range h.calls {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b register) int {
		if a.shard != b.shard {
			return int(a.shard - b.shard)
		}
		return strings.Compare(a.key, b.key)
	})
	return all
}

func renderCalls(calls []call) string {
	var text strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&text, "  %s\n", c)
	}
	return text.String()
}

func (c call) String() string {
	end := fmt.Sprint(c.ended)
	if c.unknown {
		end = "?"
	}
	what := [...]string{"", "reads %d", "is set to %[2]d", "swaps %d for %d", "finds other than %d", "is removed"}[c.kind]
	return fmt.Sprintf("%6d to %6s client %d: %s", c.called, end, c.client, fmt.Sprintf(what+"%.0[2]s", c.a, c.b))
}

// versionIs enters that a version of a shard is a value: it is of one value only.
func (h *histories) versionIs(shard replication.ShardID, s sighting) error {
	if h.versions == nil {
		h.versions = map[versionOf]int{}
	}
	v := versionOf{shard, s.version}
	if first, seen := h.versions[v]; seen && first != s.value {
		return fmt.Errorf("version %d of shard %d is of the value %d and of %d", s.version, shard, first, s.value)
	}
	h.versions[v] = s.value
	return nil
}

// happened enters a put that happened.
func (h *histories) happened(shard replication.ShardID, put knownPut) {
	if h.puts == nil {
		h.puts = map[replication.ShardID][]knownPut{}
	}
	h.puts[shard] = append(h.puts[shard], put)
}

// scansAgree: a scan shows one moment. Versions number all puts of a shard in their
// order, so no register that a scan saw may have had a later put before the latest
// that it saw anywhere.
func (h *histories) scansAgree() error {
	for _, s := range h.scans {
		latest := int64(-1)
		for _, seen := range s.seen {
			if seen.value != 0 {
				latest = max(latest, seen.version)
			}
		}
		for _, put := range h.puts[s.shard] {
			i := slices.Index(s.keys, put.key)
			if seen := s.seen[i]; seen.value != 0 && put.version > seen.version && put.version <= latest {
				return fmt.Errorf("scan #%d of shard %d shows version %d of %s, and version %d of another record, "+
					"but %s had version %d before that", s.request, s.shard, seen.version, put.key, latest, put.key, put.version)
			}
		}
	}
	return nil
}

// versionsAscend: a put that began after another ended has the higher version.
func (h *histories) versionsAscend() error {
	for shard, puts := range h.puts {
		byCall, byEnd := slices.Clone(puts), slices.Clone(puts)
		slices.SortFunc(byCall, func(a, b knownPut) int { return int(a.called - b.called) })
		slices.SortFunc(byEnd, func(a, b knownPut) int { return int(a.ended - b.ended) })
		highest, ended := knownPut{version: -1}, 0
		for _, put := range byCall {
			for ; ended < len(byEnd) && byEnd[ended].ended < put.called; ended++ {
				if byEnd[ended].version > highest.version {
					highest = byEnd[ended]
				}
			}
			if put.version < highest.version {
				return fmt.Errorf("shard %d: the put of %s=%d, which began at %d, has version %d, and that of %s=%d, which ended at %d, has %d",
					shard, put.key, put.value, put.called, put.version, highest.key, highest.value, highest.ended, highest.version)
			}
		}
	}
	return nil
}
