package corpus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Value is a value of the specification. The set is closed: Number, Word, Tuple,
// Set and Record. Values are never changed.
type Value interface {
	// appendTo writes the value as the corpus has it; equal values are equal text.
	appendTo(text *strings.Builder)
}

type (
	// Number is an integer.
	Number int
	// Word is a string, a model value, or one of TRUE and FALSE.
	Word string
	// Tuple is a sequence, or a function on 1..n.
	Tuple []Value
	// Set has its members in the order of their text, each once.
	Set []Value
	// Record is a record, or a function of words or other values, by their text.
	Record map[string]Value
)

// Text returns a value as the corpus has it:
//
//	-3           a number
//	leader       a word
//	(a b)        a sequence
//	{a b}        a set
//	[k:v l:w]    a record or a function, in the order of its keys
func Text(v Value) string {
	var text strings.Builder
	v.appendTo(&text)
	return text.String()
}

func (n Number) appendTo(text *strings.Builder) { text.WriteString(strconv.Itoa(int(n))) }
func (w Word) appendTo(text *strings.Builder)   { text.WriteString(string(w)) }
func (t Tuple) appendTo(text *strings.Builder)  { appendAll(text, '(', t, ')') }
func (s Set) appendTo(text *strings.Builder)    { appendAll(text, '{', s, '}') }

func appendAll(text *strings.Builder, open byte, values []Value, end byte) {
	text.WriteByte(open)
	for i, v := range values {
		if i > 0 {
			text.WriteByte(' ')
		}
		v.appendTo(text)
	}
	text.WriteByte(end)
}

func (r Record) appendTo(text *strings.Builder) {
	text.WriteByte('[')
	for i, key := range r.keys() {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(key)
		text.WriteByte(':')
		r[key].appendTo(text)
	}
	text.WriteByte(']')
}

func (r Record) keys() []string {
	keys := make([]string, 0, len(r))
	for key := range r {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// newSet orders the members.
func newSet(members []Value) Set {
	type texted struct {
		text  string
		value Value
	}
	with := make([]texted, len(members))
	for i, m := range members {
		with[i] = texted{Text(m), m}
	}
	slices.SortFunc(with, func(a, b texted) int { return strings.Compare(a.text, b.text) })
	set := make(Set, 0, len(with))
	for i, m := range with {
		if i == 0 || with[i-1].text != m.text {
			set = append(set, m.value)
		}
	}
	return set
}

// equal reports whether two values are the same.
func equal(a, b Value) bool { return Text(a) == Text(b) }

// reader reads values from text: the corpus's own, or TLC's.
type reader struct {
	text string
	at   int
}

// syntaxError is what a reader panics with; its entry points recover it.
type syntaxError struct{ error }

func (r *reader) fail(format string, args ...any) {
	line := 1 + strings.Count(r.text[:r.at], "\n")
	panic(syntaxError{fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))})
}

// reading runs a reader, and returns its syntax error.
func reading(read func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			syntax, ok := p.(syntaxError)
			if !ok {
				panic(p)
			}
			err = syntax.error
		}
	}()
	read()
	return nil
}

func (r *reader) skipSpace() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// take skips a token if it is next.
func (r *reader) take(token string) bool {
	r.skipSpace()
	if !strings.HasPrefix(r.text[r.at:], token) {
		return false
	}
	r.at += len(token)
	return true
}

func (r *reader) need(token string) {
	if !r.take(token) {
		r.fail("%q is missing before %.20q", token, r.text[r.at:])
	}
}

// word takes letters, digits and underscores, and a minus sign before them.
func (r *reader) word() string {
	r.skipSpace()
	begin := r.at
	for r.at < len(r.text) {
		c := r.text[r.at]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' && r.at == begin) {
			break
		}
		r.at++
	}
	if begin == r.at {
		r.fail("neither a word nor a number at %.20q", r.text[r.at:])
	}
	return r.text[begin:r.at]
}

// atom is a number or a word.
func (r *reader) atom() Value {
	word := r.word()
	if n, err := strconv.Atoi(word); err == nil {
		return Number(n)
	}
	return Word(word)
}

// value reads a value as the corpus has it.
func (r *reader) value() Value {
	switch {
	case r.take("("):
		return Tuple(r.until(")"))
	case r.take("{"):
		return Set(r.until("}"))
	case r.take("["):
		record := Record{}
		for !r.take("]") {
			key := r.word()
			r.need(":")
			record[key] = r.value()
		}
		return record
	}
	return r.atom()
}

func (r *reader) until(end string) []Value {
	values := []Value{}
	for !r.take(end) {
		values = append(values, r.value())
	}
	return values
}

// tlc reads a value as TLC prints it.
func (r *reader) tlc() Value {
	switch {
	case r.take("<<"):
		return Tuple(r.listed(">>"))
	case r.take("{"):
		return newSet(r.listed("}"))
	case r.take(`"`):
		end := strings.IndexByte(r.text[r.at:], '"')
		if end < 0 {
			r.fail("a string does not end")
		}
		word := r.text[r.at : r.at+end]
		r.at += end + 1
		return Word(word)
	case r.take("["):
		return r.pairs("|->", ",", "]")
	case r.take("("):
		return r.pairs(":>", "@@", ")")
	}
	return r.atom()
}

// listed reads what commas part.
func (r *reader) listed(end string) []Value {
	values := []Value{}
	for !r.take(end) {
		if len(values) > 0 {
			r.need(",")
		}
		values = append(values, r.tlc())
	}
	return values
}

// pairs reads a record or a function, whose keys are words or numbers.
func (r *reader) pairs(arrow, comma, end string) Value {
	record := Record{}
	for !r.take(end) {
		if len(record) > 0 {
			r.need(comma)
		}
		key := r.word()
		r.need(arrow)
		record[key] = r.tlc()
	}
	return record
}
