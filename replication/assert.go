package replication

import "fmt"

// Violation is what the core panics with when its own rules are broken: a
// fault of the core or of its caller, never of input or of a peer. A server
// that meets one must stop, because what it holds can no longer be trusted.
type Violation struct{ Text string }

func (v Violation) Error() string { return "replication: violated: " + v.Text }

// assert panics with a Violation unless the condition holds. Assertions are
// always on: they are a few comparisons, and what they guard is the data.
func assert(holds bool, format string, args ...any) {
	if !holds {
		panic(Violation{Text: fmt.Sprintf(format, args...)})
	}
}
