// Package trace ties the core to the specification, from code to spec: what the
// core did is written down as a trace, one line for each Step, and TLC decides
// whether the specification allows it (Trace.tla beside this package).
//
// # The format
//
// A trace is a file of JSON lines, each a [Line]: who took the step, in which run,
// when, on what event, with what effects, and the abstract state that it led to.
// The first line of a run says what its server recovered. What one [Writer] wrote
// is in order; traces of several processes of one machine are merged by time,
// because they read one clock.
//
// # From lines to steps of the specification
//
// [Convert] turns a trace into a list of the specification's actions, with all
// their parameters, so that TLC has nothing to choose: a trace that the
// specification does not allow ends in a deadlock. A Step of the core is one action
// but for these, each of which stands at its place in the code with its reason:
//
//   - LogDone of several operations is as many LogDone, and an operation that appends
//     several proposals is as many operations.
//   - Propose of several proposals is as many Propose; the reads of one ReadIndex are
//     one read, for they share their index and their round.
//   - An Append after which early ones are taken is as many Append.
//   - What a state machine hands over, and when it flushes, is the state machine's
//     business: the trace says how far.
//   - An answer to NewTerm and the choice that it may set off are two actions.
//   - A document takes effect between the call and the answer: its action stands
//     before the first line that shows it.
//   - What a crashed run's disk had done without saying so is done before the crash.
//
// Questions before an election (rule 0) decide when to elect and not what is true:
// the steps are validated as steps that change nothing.
package trace
