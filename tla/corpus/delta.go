package corpus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A delta is how one state differs from the one before, in lines:
//
//	path=value   what is at the path is the value now
//	path+value   the set at the path has one more member
//	path-value   the set at the path has one less
//	path>value   the sequence at the path has one more at its end
//	path<n       the sequence at the path lost its first n
//
// A path names a variable, and fields, keys and places (from 1) within it, parted
// by dots.

// appendDelta adds the lines that lead from one value to another.
func appendDelta(lines []string, path string, from, to Value) []string {
	if equal(from, to) {
		return lines
	}
	switch to := to.(type) {
	case Record:
		if before, ok := from.(Record); ok && slices.Equal(before.keys(), to.keys()) {
			return shorter(appendRecordDelta(nil, path, before, to), lines, path, to)
		}
	case Set:
		if before, ok := from.(Set); ok {
			return shorter(appendSetDelta(nil, path, before, to), lines, path, to)
		}
	case Tuple:
		if before, ok := from.(Tuple); ok {
			return shorter(appendTupleDelta(nil, path, before, to), lines, path, to)
		}
	}
	return append(lines, path+"="+Text(to))
}

// shorter adds a delta to the lines, or the value itself if that is shorter or
// there is no delta.
func shorter(delta, lines []string, path string, to Value) []string {
	whole := path + "=" + Text(to)
	length := 0
	for _, line := range delta {
		length += len(line) + 1
	}
	if len(delta) == 0 || len(whole) < length {
		return append(lines, whole)
	}
	return append(lines, delta...)
}

func within(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func appendRecordDelta(lines []string, path string, from, to Record) []string {
	for _, key := range to.keys() {
		lines = appendDelta(lines, within(path, key), from[key], to[key])
	}
	return lines
}

func appendSetDelta(lines []string, path string, from, to Set) []string {
	for _, m := range from {
		if !contains(to, m) {
			lines = append(lines, path+"-"+Text(m))
		}
	}
	for _, m := range to {
		if !contains(from, m) {
			lines = append(lines, path+"+"+Text(m))
		}
	}
	return lines
}

func contains(s Set, v Value) bool {
	return slices.ContainsFunc(s, func(m Value) bool { return equal(m, v) })
}

// appendTupleDelta tells of a sequence that grew at its end or lost its beginning,
// or of one of the same length in which places changed; else it tells nothing.
func appendTupleDelta(lines []string, path string, from, to Tuple) []string {
	switch {
	case len(from) == len(to):
		for i := range to {
			lines = appendDelta(lines, within(path, strconv.Itoa(i+1)), from[i], to[i])
		}
	case len(from) < len(to) && equal(from, to[:len(from)]):
		for _, v := range to[len(from):] {
			lines = append(lines, path+">"+Text(v))
		}
	case len(from) > len(to) && equal(from[len(from)-len(to):], to):
		lines = append(lines, path+"<"+strconv.Itoa(len(from)-len(to)))
	}
	return lines
}

// applyDelta returns the state that a line leads to from another, which stays as
// it is.
func applyDelta(state Value, line string) (Value, error) {
	at := strings.IndexAny(line, "=+-><")
	if at < 0 {
		return nil, fmt.Errorf("corpus: no change in %q", line)
	}
	r := &reader{text: line[at+1:]}
	var next Value
	err := reading(func() {
		v := r.value()
		if r.skipSpace(); r.at < len(r.text) {
			r.fail("%q follows the value", r.text[r.at:])
		}
		next = change(state, strings.Split(line[:at], "."), line[at], v, r)
	})
	if err != nil {
		return nil, fmt.Errorf("corpus: %q: %w", line, err)
	}
	return next, nil
}

// change returns a value in which what is at the path is changed.
func change(v Value, path []string, how byte, by Value, r *reader) Value {
	if len(path) > 0 {
		switch v := v.(type) {
		case Record:
			next := Record{}
			for key, value := range v {
				next[key] = value
			}
			if _, known := v[path[0]]; !known {
				r.fail("nothing is at %q", path[0])
			}
			next[path[0]] = change(v[path[0]], path[1:], how, by, r)
			return next
		case Tuple:
			i, err := strconv.Atoi(path[0])
			if err != nil || i < 1 || i > len(v) {
				r.fail("a sequence of %d has no place %q", len(v), path[0])
			}
			next := slices.Clone(v)
			next[i-1] = change(v[i-1], path[1:], how, by, r)
			return next
		}
		r.fail("nothing is within %s", Text(v))
	}
	switch old := v.(type) {
	case Set:
		switch how {
		case '+':
			return newSet(append(slices.Clone(old), by))
		case '-':
			return Set(slices.DeleteFunc(slices.Clone(old), func(m Value) bool { return equal(m, by) }))
		}
	case Tuple:
		n, isNumber := by.(Number)
		switch {
		case how == '>':
			return append(slices.Clone(old), by)
		case how == '<' && isNumber && int(n) <= len(old):
			return old[n:]
		}
	}
	if how != '=' {
		r.fail("%c does not go with %s", how, Text(v))
	}
	return by
}
