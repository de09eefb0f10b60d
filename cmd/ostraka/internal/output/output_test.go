package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
	Count int    `json:"count"`
}

func (p pair) Row() []string { return []string{Cell(p.Key), Cell(p.Value)} }

func printed(t *testing.T, format Format, columns []string, items ...Item) string {
	t.Helper()
	var text bytes.Buffer
	p := NewPrinter(&text, format, columns...)
	for _, item := range items {
		if err := p.Print(item); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestFormats(t *testing.T) {
	items := []Item{pair{"a", "<1>", 1}, pair{"longer", "123", 2}, pair{"x", "a\nb", 3}}
	for _, c := range []struct {
		format  Format
		columns []string
		want    string
	}{
		{Table, []string{"KEY", "VALUE"}, "KEY     VALUE\na       <1>\nlonger  123\nx       \"a\\nb\"\n"},
		{Table, nil, "a       <1>\nlonger  123\nx       \"a\\nb\"\n"},
		{JSON, nil, `{"key":"a","value":"<1>","count":1}` + "\n" + `{"key":"longer","value":"123","count":2}` + "\n" +
			`{"key":"x","value":"a\nb","count":3}` + "\n"},
		{YAML, nil, "key: a\nvalue: <1>\ncount: 1\n---\nkey: longer\nvalue: \"123\"\ncount: 2\n---\nkey: x\nvalue: |-\n  a\n  b\ncount: 3\n"},
	} {
		if got := printed(t, c.format, c.columns, items...); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.format, got, c.want)
		}
	}
}

func TestATableWithoutRowsHasHeadings(t *testing.T) {
	if got := printed(t, Table, []string{"KEY", "VALUE"}); got != "KEY  VALUE\n" {
		t.Errorf("%q", got)
	}
	if got := printed(t, JSON, []string{"KEY"}); got != "" {
		t.Errorf("%q", got)
	}
}

// A stream without end is printed, and its rows stay under their headings.
func TestALongTableIsPrintedAsItComes(t *testing.T) {
	var text bytes.Buffer
	p := NewPrinter(&text, Table, "KEY", "VALUE")
	for range tableAhead - 1 {
		if err := p.Print(pair{Key: "key", Value: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	if text.Len() != 0 {
		t.Fatal("printed before the widths were known")
	}
	for range 2 {
		if err := p.Print(pair{Key: "k", Value: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	if len(lines) != tableAhead+2 || lines[len(lines)-1] != "k    v" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestEncodings(t *testing.T) {
	for _, c := range []struct {
		encoding Encoding
		text     string
		want     string
		problem  string
	}{
		{Raw, "a b", "a b", ""},
		{Hex, "00ff", "\x00\xff", ""},
		{Hex, "0", "", "two digits for each byte"},
		{Hex, "zz" + strings.Repeat("0", 100), "", `..." is not hexadecimal`},
		{Base64, "AP8=", "\x00\xff", ""},
		{Base64, "AP8", "", "padding"},
	} {
		got, err := c.encoding.Decode(c.text)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s %q: %v, want an error with %q", c.encoding, c.text, err, c.problem)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s %q: %q, %v; want %q", c.encoding, c.text, got, err, c.want)
		}
	}
}

// What is printed in a format can be read back from it, whatever the bytes are.
func TestValuesSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		encoding := Encoding(rapid.SampledFrom(Encodings()).Draw(t, "encoding"))
		text, name := Value{value, encoding}.Fields()
		var asJSON, asYAML pair
		var buffer bytes.Buffer
		if err := NewPrinter(&buffer, JSON).Print(pair{Value: text}); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(buffer.Bytes(), &asJSON); err != nil {
			t.Fatal(err)
		}
		buffer.Reset()
		if err := NewPrinter(&buffer, YAML).Print(pair{Value: text}); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(buffer.Bytes(), &asYAML); err != nil {
			t.Fatal(err)
		}
		if name == "" {
			name = string(Raw)
		}
		for format, printed := range map[Format]pair{JSON: asJSON, YAML: asYAML} {
			got, err := Encoding(name).Decode(printed.Value)
			if err != nil || !bytes.Equal(got, value) {
				t.Fatalf("%s: %x came back as %x, %v", format, value, got, err)
			}
		}
	})
}

// Not every character of JSON may stand in YAML as it is.
func TestEveryCharacterSurvivesYAML(t *testing.T) {
	for r := rune(0); r <= 0x10000; r++ {
		value := string(r)
		var text bytes.Buffer
		if err := NewPrinter(&text, YAML).Print(pair{Key: "k", Value: value}); err != nil {
			t.Fatalf("%U: %v", r, err)
		}
		var read pair
		if err := yaml.Unmarshal(text.Bytes(), &read); err != nil || read.Value != value {
			t.Fatalf("%U came back as %q, %v from %q", r, read.Value, err, text.String())
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	if _, err := ParseFormat("xml"); err == nil || err.Error() != "give one of table, json, yaml" {
		t.Error(err)
	}
	if _, err := ParseEncoding("rot13"); err == nil || err.Error() != "give one of raw, hex, base64" {
		t.Error(err)
	}
}
