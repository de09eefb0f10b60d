package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Line is where, from 1; zero if the configuration was not read from a file.
	Line int
	// Field is what, as in namespaces[0].replicationFactor; empty for the whole.
	Field string
	// Message says what is wrong, and the remedy.
	Message string
}

// Problems is the error of a configuration that is refused: all that is wrong
// with it, by line.
type Problems struct {
	// File is empty if the configuration was not read from one.
	File string
	List []Problem
}

// Error tells every problem on a line of its own.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = p.place(one) + one.Message
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) place(one Problem) string {
	var place string
	switch {
	case p.File != "" && one.Line > 0:
		place = fmt.Sprintf("%s:%d: ", p.File, one.Line)
	case p.File != "":
		place = p.File + ": "
	}
	if one.Field != "" {
		place += one.Field + ": "
	}
	return place
}

// found collects problems.
type found struct {
	list []Problem
	// lines are those of the fields that the file has; nil without a file.
	lines map[string]int
}

// add takes a problem with a field, at its line, or at that of the nearest field
// around it that the file has.
func (f *found) add(field, format string, args ...any) {
	f.list = append(f.list, Problem{Line: f.lineOf(field), Field: field, Message: fmt.Sprintf(format, args...)})
}

func (f *found) lineOf(field string) int {
	for {
		if line, ok := f.lines[field]; ok {
			return line
		}
		cut := max(strings.LastIndexByte(field, '.'), strings.LastIndexByte(field, '['))
		if cut < 0 {
			return f.lines[""]
		}
		field = field[:cut]
	}
}

// err returns what was collected as an error, nil if there is nothing.
func (f *found) err(file string) error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &Problems{File: file, List: f.list}
}
