package words

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                      nil,
		"  \t ":                 nil,
		"put a b":               {"put", "a", "b"},
		"put a 'two words'":     {"put", "a", "two words"},
		`put a "say \"hi\" \n"`: {"put", "a", `say "hi" \n`},
		`put a\ b ''`:           {"put", "a b", ""},
		`a'b'"c"\d`:             {"abcd"},
		"get a # the first":     {"get", "a"},
		"get a#b":               {"get", "a#b"},
		"# nothing":             nil,
		"schlüssel\twert\r\n":   {"schlüssel", "wert"},
	} {
		got, err := Split(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]error{
		`put 'a`:  ErrQuote,
		`put "a'`: ErrQuote,
		`put a\`:  ErrBackslash,
	} {
		if got, err := Split(line); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v; want %v", line, got, err, want)
		}
	}
}

func TestSplitUndoesJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.String()).Draw(t, "words")
		got, err := Split(Join(words))
		if err != nil || !slices.Equal(got, words) {
			t.Fatalf("%q became %q, %v", words, got, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(`put a "b`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Split(line)
		if err != nil {
			return
		}
		again, err := Split(Join(words))
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q became %q, and then %q, %v", line, words, again, err)
		}
	})
}
