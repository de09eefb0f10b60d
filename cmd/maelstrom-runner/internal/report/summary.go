package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/internal/checker"
)

// shownTypes is how many types of messages a summary lists.
const shownTypes = 16

// Summarize writes the results for a person.
func (r *Results) Summarize(out io.Writer) error {
	var b strings.Builder
	r.operations(&b)
	r.messages(&b)
	r.faults(&b)
	r.failover(&b)
	if r.Expected != nil {
		fmt.Fprintf(&b, "\nLines that match %q: %s\n", r.Expected.Pattern, tally(r.Expected.Lines))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		fmt.Fprintf(&b, "Check %s: %s\n", name, r.Checks[name].Verdict)
	}
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "  - %s\n", reason)
	}
	fmt.Fprintf(&b, "Files: %s\n\n%s\n", r.Store, verdictLine[r.Verdict])
	_, err := io.WriteString(out, b.String())
	return err
}

var verdictLine = map[checker.Verdict]string{
	checker.Valid:   "VALID: nothing was found to be wrong.",
	checker.Invalid: "INVALID: the nodes did something that a correct system does not do.",
	checker.Unknown: "UNKNOWN: could not tell.",
}

func (r *Results) operations(b *strings.Builder) {
	if r.Total.Invoked == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d operations, %d ok: availability %.1f %%\n", r.Total.Invoked, r.Total.OK, 100*r.Availability)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tinvoked\tok\tfailed\tunknown\tp50 ms\tp95 ms\tp99 ms\tmax ms\t")
	row := func(name string, o Outcomes) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t\n", name,
			o.Invoked, o.OK, o.Failed, o.Unknown, o.Latency.P50, o.Latency.P95, o.Latency.P99, o.Latency.Max)
	}
	for _, f := range slices.Sorted(maps.Keys(r.Kinds)) {
		row(f, r.Kinds[f])
	}
	row("all", r.Total)
	_ = t.Flush() // into memory
	if len(r.Total.Errors) > 0 {
		fmt.Fprintf(b, "Errors: %s\n", tally(r.Total.Errors))
	}
}

func tally(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names, ", ")
}

func (r *Results) messages(b *strings.Builder) {
	m := r.Messages
	if m.Total.Sent == 0 {
		return
	}
	peer, service := m.Counted[network.Peer], m.Counted[network.Service]
	fmt.Fprintf(b, "\n%d messages: %.2f per operation; between nodes %.2f, to and from services %.2f (together %.2f, Maelstrom's \"servers\")\n",
		m.Total.Sent, m.Total.PerOp, peer.PerOp, service.PerOp, peer.PerOp+service.PerOp)
	fmt.Fprintf(b, "Lost %d, duplicated %d, cut off by partitions %d, dropped at a full inbox %d, largest body %d bytes\n",
		m.Lost, m.Duplicated, m.Cut, m.Overflowed, m.Largest)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, of := range m.Types {
		if i == shownTypes {
			fmt.Fprintf(t, "(%d more types)\t\t\t\t\n", len(m.Types)-shownTypes)
			break
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.2f per op\t\n", of.Class, of.Type, of.Sent, of.PerOp)
	}
	_ = t.Flush()
}

func (r *Results) faults(b *strings.Builder) {
	if len(r.Faults) > 0 {
		fmt.Fprintf(b, "\nLongest time without a successful write after each fault:\n")
		for _, f := range r.Faults {
			fmt.Fprintf(b, "  at %6.1f s  %8.1f ms  %s\n", f.AtMS/1000, f.OutageMS, f.What)
		}
	}
	if len(r.Recoveries) == 0 {
		return
	}
	fmt.Fprintf(b, "Recovery: after the end of all faults, the first success\n")
	for _, rec := range r.Recoveries {
		if len(rec.Nodes) == 0 {
			fmt.Fprintf(b, "  at %6.1f s  none in the %.1f ms until the next fault or the end\n", rec.AtMS/1000, rec.WindowMS)
			continue
		}
		fmt.Fprintf(b, "  at %6.1f s  of every node within %.1f ms, of every client within %.1f ms", rec.AtMS/1000, rec.WorstMS, rec.ClientsMS)
		if len(rec.Silent) > 0 || rec.SilentClients > 0 {
			fmt.Fprintf(b, ", except %d clients and nodes %v in the %.1f ms until the next fault or the end",
				rec.SilentClients, rec.Silent, rec.WindowMS)
		}
		fmt.Fprintln(b)
	}
}

func (r *Results) failover(b *strings.Builder) {
	if r.Failover == nil {
		return
	}
	fmt.Fprintf(b, "\nFailovers: from kill -9 of the leader to the first write answered by another node\n")
	for i, t := range r.Failover.Trials {
		fmt.Fprintf(b, "  %2d  %8.1f ms  killed %s, resumed at %s\n", i+1, t.TookMS, t.Leader, t.Resumed)
	}
	fmt.Fprintf(b, "Median %.1f ms, max %.1f ms\n", r.Failover.MedianMS, r.Failover.MaxMS)
}
