package corpus

import (
	"testing"

	"pgregory.net/rapid"
)

// values draws values of a few levels.
func values(depth int) *rapid.Generator[Value] {
	words := rapid.Custom(func(t *rapid.T) Value {
		return Word(rapid.SampledFrom([]string{"r1", "leader", "TRUE", "NoOne"}).Draw(t, "word"))
	})
	numbers := rapid.Custom(func(t *rapid.T) Value { return Number(rapid.IntRange(-3, 12).Draw(t, "number")) })
	if depth == 0 {
		return rapid.OneOf(words, numbers)
	}
	inner := rapid.SliceOfN(values(depth-1), 0, 3)
	return rapid.OneOf(words, numbers,
		rapid.Custom(func(t *rapid.T) Value { return Tuple(inner.Draw(t, "tuple")) }),
		rapid.Custom(func(t *rapid.T) Value { return newSet(inner.Draw(t, "set")) }),
		rapid.Custom(func(t *rapid.T) Value {
			record := Record{}
			for i, v := range inner.Draw(t, "record") {
				record[string(rune('a'+i))] = v
			}
			return record
		}))
}

func TestTextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values(3).Draw(t, "value")
		var read Value
		if err := reading(func() { read = (&reader{text: Text(v)}).value() }); err != nil {
			t.Fatalf("%s: %v", Text(v), err)
		}
		if !equal(v, read) {
			t.Fatalf("%s was read as %s", Text(v), Text(read))
		}
	})
}

func TestDeltaLeadsFromOneValueToTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := Record{"v": values(3).Draw(t, "from"), "w": Number(1)}
		to := Record{"v": values(3).Draw(t, "to"), "w": Number(1)}
		var state Value = from
		for _, line := range appendDelta(nil, "", from, to) {
			next, err := applyDelta(state, line)
			if err != nil {
				t.Fatal(err)
			}
			state = next
		}
		if !equal(state, to) {
			t.Fatalf("%s is not %s", Text(state), Text(to))
		}
	})
}

func TestTLCValuesAreRead(t *testing.T) {
	const text = `[ log |-> << [t |-> 1, v |-> -0] >>, to |-> {r2, r1},
  match |-> (r1 :> 0 @@ r2 :> 3), role |-> "leader", here |-> TRUE, n |-> << >> ]`
	var v Value
	if err := reading(func() { v = (&reader{text: text}).tlc() }); err != nil {
		t.Fatal(err)
	}
	const want = "[here:TRUE log:([t:1 v:0]) match:[r1:0 r2:3] n:() role:leader to:{r1 r2}]"
	if Text(v) != want {
		t.Errorf("%s, and not %s", Text(v), want)
	}
}
