package exit

import (
	"errors"
	"fmt"
)

// Code is what the process ends with.
type Code int

// The codes.
const (
	OK      Code = 0
	Failed  Code = 1
	Misused Code = 2
	// NotFound is also that a condition does not hold: an expected version, a
	// condition of a transaction.
	NotFound Code = 3
	// Unknown is that nobody can say whether a write was applied.
	Unknown Code = 4
)

// coded is an error that ends the process with a code.
type coded struct {
	code Code
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// With makes the process end with a code if it ends with the error. Nil stays nil.
func With(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &coded{code, err}
}

// CodeOf returns the code of the outermost error that has one; OK for nil, and Failed
// where none has.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	var c *coded
	if errors.As(err, &c) {
		return c.code
	}
	return Failed
}

// Usage is an error in a flag: the value that was given, and what to give instead.
func Usage(flag string, value any, remedy string) error {
	return With(Misused, fmt.Errorf("--%s %v: %s", flag, value, remedy))
}

// Misuse is an error in the command line that is not one of a single flag.
func Misuse(format string, args ...any) error {
	return With(Misused, fmt.Errorf(format, args...))
}
