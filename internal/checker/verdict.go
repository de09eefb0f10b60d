package checker

import "time"

// Verdict is the result of a check.
type Verdict string

// The verdicts.
const (
	Valid   Verdict = "valid"
	Invalid Verdict = "invalid"
	Unknown Verdict = "unknown"
)

// And combines the verdicts of two checks of one run.
func (v Verdict) And(w Verdict) Verdict {
	switch {
	case v == Invalid || w == Invalid:
		return Invalid
	case v == Unknown || w == Unknown:
		return Unknown
	}
	return Valid
}

// Config says how to check.
type Config struct {
	Timeout time.Duration // for a whole history; without limit if 0
	Dir     string        // drawings of what is wrong go here
}

// Result is a verdict with its reasons.
type Result struct {
	Verdict Verdict        `json:"verdict"`
	Reasons []string       `json:"reasons,omitempty"` // why it is not valid
	Details map[string]any `json:"details,omitempty"`
}

// add puts a further finding into the result.
func (r *Result) add(v Verdict, reason string) {
	r.Verdict = r.Verdict.And(v)
	if len(r.Reasons) < maxReasons {
		r.Reasons = append(r.Reasons, reason)
	}
}

// maxReasons bounds what is shown of a history that is wrong all over.
const maxReasons = 10
