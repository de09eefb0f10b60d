package packed

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// What was stored comes back, whatever was changed before; and no text with one bit
// turned is taken for another state.
func TestTextKeepsTheDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := New(), map[string]metadata.Document{}
		if rapid.Bool().Draw(t, "header") {
			s.Header = json.RawMessage(`{"object":1}`)
		}
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			key := rapid.SampledFrom([]string{"a", "a/b", "cluster", "shard/1", "shard/10"}).Draw(t, "key")
			c := metadata.Change{Key: key, Version: model[key].Version}
			if c.Version == 0 || rapid.Bool().Draw(t, "stores") {
				c.Value = fmt.Appendf(nil, `{"n":%d}`, rapid.IntRange(0, 9).Draw(t, "value"))
				model[key] = metadata.Document{Value: c.Value, Version: c.Version + 1}
			} else {
				delete(model, key)
			}
			if err := s.Apply(c); err != nil {
				t.Fatal(err)
			}
		}
		text := s.Render()
		again, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]metadata.Document{}
		again.Collect("", found)
		same := func(a, b metadata.Document) bool { return a.Version == b.Version && string(a.Value) == string(b.Value) }
		if !maps.EqualFunc(found, model, same) || again.Len() != len(model) || string(again.Header) != string(s.Header) {
			t.Fatalf("stored %v, and read %v", model, found)
		}
		bit := rapid.IntRange(0, 8*len(text)-1).Draw(t, "bit")
		text[bit/8] ^= 1 << (bit % 8)
		if damaged, err := Parse(text); err == nil && string(damaged.Render()) != string(s.Render()) {
			t.Fatalf("taken for whole: %s", text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"format":1,"documents":{"a":{"version":1,"value":{}}}}`))
	f.Add([]byte(`{"format":1,"checksum":"00000000","documents":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.Render())
		if err != nil || string(again.Render()) != string(s.Render()) {
			t.Fatalf("written %s, and read with %v", s.Render(), err)
		}
	})
}
