package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxLines is how long a file may be that somebody has to read.
const maxLines = 500

func checkLength(s *source) []Breach {
	if s.generated || s.lines <= maxLines {
		return nil
	}
	return []Breach{{s.path, fmt.Sprintf("has %d lines, more than %d: give its second idea a file of its own", s.lines, maxLines)}}
}

// emptyNames say nothing about what is inside, and so collect everything.
var emptyNames = []string{
	"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils",
}

// emptyWord returns the part of a name that says nothing, or nothing.
func emptyWord(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	for _, word := range words {
		if slices.Contains(emptyNames, strings.ToLower(word)) {
			return word
		}
	}
	return ""
}

func checkName(s *source) []Breach {
	if word := emptyWord(s.name()); word != "" {
		return []Breach{{s.path, fmt.Sprintf("%q says nothing: name the file after the idea in it", word)}}
	}
	return nil
}

func checkDirNames(sources []source) []Breach {
	var breaches []Breach
	for _, dir := range dirs(sources, func(*source) bool { return true }) {
		if word := emptyWord(path.Base(dir)); word != "" {
			breaches = append(breaches, Breach{dir, fmt.Sprintf("%q says nothing: name the package after what it is", word)})
		}
	}
	return breaches
}

// checkDocs wants a doc.go with a package comment wherever there is more than
// tests.
func checkDocs(sources []source) []Breach {
	var breaches []Breach
	documented := dirs(sources, func(s *source) bool { return s.name() == "doc.go" && s.comment })
	for _, dir := range dirs(sources, func(s *source) bool { return !s.test }) {
		if !slices.Contains(documented, dir) {
			breaches = append(breaches, Breach{dir, "has no doc.go with a package comment: state the package's contract there"})
		}
	}
	return breaches
}

// dirs returns the directories of the files that are wanted, each once, sorted.
func dirs(sources []source, wanted func(*source) bool) []string {
	var all []string
	for i := range sources {
		if wanted(&sources[i]) {
			all = append(all, sources[i].dir)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
