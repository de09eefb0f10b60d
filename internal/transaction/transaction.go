package transaction

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Nothing is the value of a key that nobody has written yet.
const Nothing = math.MinInt

// Data is the kind of values that a store holds.
type Data string

// The kinds of values.
const (
	Registers Data = "registers"
	Lists     Data = "lists"
)

// Write is the function that changes a value of the kind.
func (d Data) Write() Function {
	if d == Lists {
		return Append
	}
	return Write
}

// Function is what one step of a transaction does.
type Function string

// The functions, by their names on the wire.
const (
	Read   Function = "r"
	Write  Function = "w"
	Append Function = "append"
)

// Step is one read or write.
type Step struct {
	F     Function
	Key   int
	Value int // written or appended
	// Found is what a read found: the list, or the one value of a register; empty if
	// there was nothing, or if it is not known.
	Found []int
}

// Txn is a transaction, with or without the results of its reads.
type Txn struct {
	Data  Data
	Steps []Step
}

// Changes tells whether the transaction writes anything.
func (t Txn) Changes() bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { return s.F != Read })
}

// MarshalJSON writes the transaction as an answer holds it. A request has nothing found.
func (t Txn) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, s := range t.Steps {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `["%s",%d,%s]`, s.F, s.Key, t.value(s))
	}
	return append(out, ']'), nil
}

func (t Txn) value(s Step) string {
	switch {
	case s.F != Read:
		return strconv.Itoa(s.Value)
	case len(s.Found) == 0:
		return "null"
	case t.Data == Registers:
		return strconv.Itoa(s.Found[0])
	}
	return "[" + join(s.Found, ",") + "]"
}

func join(values []int, by string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.Itoa(v)
	}
	return strings.Join(texts, by)
}

// String writes the transaction for people.
func (t Txn) String() string {
	texts := make([]string, len(t.Steps))
	for i, s := range t.Steps {
		texts[i] = fmt.Sprintf("%s %d %s", s.F, s.Key, strings.ReplaceAll(t.value(s), ",", " "))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// Complete reads the answer to t.
func (t Txn) Complete(answer json.RawMessage) (Txn, error) {
	var steps []json.RawMessage
	if err := json.Unmarshal(answer, &steps); err != nil {
		return Txn{}, fmt.Errorf("a transaction is an array, not %s", answer)
	}
	if len(steps) != len(t.Steps) {
		return Txn{}, fmt.Errorf("%d steps were asked for, and %d answered", len(t.Steps), len(steps))
	}
	done := Txn{Data: t.Data, Steps: slices.Clone(t.Steps)}
	for i := range steps {
		if err := done.fill(&done.Steps[i], steps[i]); err != nil {
			return Txn{}, fmt.Errorf("step %d: %w", i, err)
		}
	}
	return done, nil
}

func (t Txn) fill(s *Step, raw json.RawMessage) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil || len(parts) != 3 {
		return fmt.Errorf("it is not [function, key, value]: %s", raw)
	}
	var f Function
	var key int
	if json.Unmarshal(parts[0], &f) != nil || json.Unmarshal(parts[1], &key) != nil || f != s.F || key != s.Key {
		return fmt.Errorf("%s of %d was asked for, and %s answered", s.F, s.Key, raw)
	}
	if string(parts[2]) == "null" && f == Read {
		return nil
	}
	if f == Read && t.Data == Lists {
		if err := json.Unmarshal(parts[2], &s.Found); err != nil {
			return fmt.Errorf("a list of integers was wanted: %s", raw)
		}
		return nil
	}
	var value int
	if err := json.Unmarshal(parts[2], &value); err != nil {
		return fmt.Errorf("an integer was wanted: %s", raw)
	}
	if f == Read {
		s.Found = []int{value}
	} else if value != s.Value {
		return fmt.Errorf("%s of %d was asked for, and %s answered", s.F, s.Value, raw)
	}
	return nil
}
