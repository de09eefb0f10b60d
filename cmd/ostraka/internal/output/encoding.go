package output

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Encoding is how a value is written as text.
type Encoding string

// The encodings. Raw is the bytes themselves.
const (
	Raw    Encoding = "raw"
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// Encodings are all of them, in the order of help texts.
func Encodings() []string { return []string{string(Raw), string(Hex), string(Base64)} }

// ParseEncoding returns the encoding of a name. The error does not say where the name
// is from.
func ParseEncoding(name string) (Encoding, error) {
	switch e := Encoding(name); e {
	case Raw, Hex, Base64:
		return e, nil
	}
	return "", fmt.Errorf("give one of %s", strings.Join(Encodings(), ", "))
}

// Encode writes a value.
func (e Encoding) Encode(value []byte) string {
	switch e {
	case Hex:
		return hex.EncodeToString(value)
	case Base64:
		return base64.StdEncoding.EncodeToString(value)
	}
	return string(value)
}

// Decode reads a value back. The error says what the text lacks.
func (e Encoding) Decode(text string) ([]byte, error) {
	switch e {
	case Hex:
		value, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not hexadecimal: write two digits for each byte, or choose another --encoding", shorten(text))
		}
		return value, nil
	case Base64:
		value, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not base64: use the standard alphabet with padding, or choose another --encoding", shorten(text))
		}
		return value, nil
	}
	return []byte(text), nil
}

// text returns a value for JSON and YAML, which hold text only, with the encoding that
// it then has: raw bytes that are not text become base64.
func (e Encoding) text(value []byte) (string, Encoding) {
	if e == Raw && !utf8.Valid(value) {
		e = Base64
	}
	return e.Encode(value), e
}

// Value is a value in an item. In JSON and YAML it is a string, and its encoding is in
// a field beside it; see Fields.
type Value struct {
	Bytes    []byte
	Encoding Encoding
}

// Fields returns the value for JSON and YAML, and the name of its encoding where it is
// not raw.
func (v Value) Fields() (text, encoding string) {
	text, e := v.Encoding.text(v.Bytes)
	if e == Raw {
		return text, ""
	}
	return text, string(e)
}

// Cell returns the value for a table.
func (v Value) Cell() string { return Cell(v.Encoding.Encode(v.Bytes)) }

// Cell returns a text for a table: quoted as in Go, if it would otherwise be mistaken
// for nothing, for two cells or for a quoted one, or would move the terminal's cursor.
func Cell(text string) string {
	if text == "" || strings.HasPrefix(text, `"`) || !utf8.ValidString(text) || strings.ContainsFunc(text, unsafe) {
		return strconv.Quote(text)
	}
	return text
}

func unsafe(r rune) bool { return !unicode.IsPrint(r) }

// shorten keeps a message on one line of a terminal.
func shorten(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
