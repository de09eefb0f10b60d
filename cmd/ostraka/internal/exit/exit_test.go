package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestCodesSurviveWrapping(t *testing.T) {
	plain := errors.New("plain")
	for _, c := range []struct {
		err  error
		want Code
	}{
		{nil, OK},
		{With(NotFound, nil), OK},
		{plain, Failed},
		{fmt.Errorf("get x: %w", With(NotFound, plain)), NotFound},
		{With(Unknown, fmt.Errorf("put x: %w", With(NotFound, plain))), Unknown},
		{Usage("rate", -1, "give a number above 0"), Misused},
		{Misuse("no such thing"), Misused},
	} {
		if got := CodeOf(c.err); got != c.want {
			t.Errorf("%v: code %d, want %d", c.err, got, c.want)
		}
	}
}

func TestUsageNamesFlagAndRemedy(t *testing.T) {
	got := Usage("rate", "-1", "give a number above 0").Error()
	if want := "--rate -1: give a number above 0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
