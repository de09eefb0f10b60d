package trace

import (
	"fmt"
	"io"
	"slices"
)

// WriteModule writes the module TraceData of Trace.tla: behaviours, and the bounds
// within which they are. With tellsSteps TLC prints each step that it takes.
func WriteModule(out io.Writer, behaviours []*Behaviour, tellsSteps bool) error {
	w := &moduleWriter{out: out}
	w.line("------------------------------ MODULE TraceData ------------------------------")
	w.line("(* Written by package trace. *)")
	w.line("EXTENDS Integers, Sequences")
	var replicas []value
	coordinators, terms, writes := 1, 1, 0
	for _, b := range behaviours {
		for _, r := range b.replicas {
			replicas = append(replicas, text(r))
		}
		coordinators, terms, writes = max(coordinators, b.coordinators), max(terms, b.terms), max(writes, b.writes)
	}
	slices.Sort(replicas)
	var names []value
	for i := range coordinators {
		names = append(names, text(fmt.Sprintf("c%d", i+1)))
	}
	w.line("TraceReplicas == %s", set(slices.Compact(replicas)...))
	w.line("TraceCoordinators == %s", set(names...))
	w.line("TellsSteps == %s", boolean(tellsSteps))
	w.line("TraceLimit == %s", limits(terms, writes))
	var all []value
	for i, b := range behaviours {
		w.line("")
		w.line(`\* %s`, b.Name)
		w.line("Trace%d == [members |-> %s, made |-> %s, first |-> %s, ver |-> %d, steps |-> <<", i+1, b.members, b.made, b.first, b.version)
		for j, s := range b.Steps {
			comma := ","
			if j == len(b.Steps)-1 {
				comma = ""
			}
			w.line("  %s%s", s.render(), comma)
		}
		w.line(">>]")
		all = append(all, value(fmt.Sprintf("Trace%d", i+1)))
	}
	w.line("")
	w.line("Traces == %s", tuple(all...))
	w.line("=============================================================================")
	return w.err
}

// limits bound nothing but the types: what happened, happened.
func limits(terms, writes int) value {
	fields := []field{{"terms", number(terms)}, {"writes", number(max(writes, unknownValue))}}
	for _, name := range []string{"reads", "crashes", "unknowns", "coordinatorCrashes", "flushes", "trims", "changes", "backs", "wipes"} {
		fields = append(fields, field{name, "1000000"})
	}
	return record(fields...)
}

type moduleWriter struct {
	out io.Writer
	err error
}

func (w *moduleWriter) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format+"\n", args...)
	}
}
