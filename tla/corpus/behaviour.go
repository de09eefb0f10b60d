package corpus

import (
	"fmt"
	"os"
	"strings"
)

// Behaviour is a sequence of states, each a record of the specification's
// variables, and the step that led to each.
type Behaviour struct {
	// Flavour is the configuration that made it.
	Flavour string
	// Parts is in how many parts its model sends a snapshot.
	Parts  int
	States []Record
}

// left are the variables that tell nothing about what the core does.
var left = []string{"spent"}

// ReadTLC reads a behaviour as TLC's simulation writes it to a file.
func ReadTLC(path, flavour string) (Behaviour, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Behaviour{}, fmt.Errorf("corpus: %w", err)
	}
	b := Behaviour{Flavour: flavour}
	err = reading(func() { b.States = readTLC(&reader{text: string(data)}) })
	if err != nil {
		return Behaviour{}, fmt.Errorf("corpus: %s: %w", path, err)
	}
	return b, nil
}

// readTLC reads states, each a name and the conjunction of its variables. What is
// between them is a comment.
func readTLC(r *reader) []Record {
	var states []Record
	for {
		next := strings.Index(r.text[r.at:], "\nSTATE_")
		if next < 0 {
			return states
		}
		r.at += next
		r.word()
		r.need("==")
		state := Record{}
		for r.take("/\\") {
			name := r.word()
			r.need("=")
			state[name] = r.tlc()
		}
		for _, name := range left {
			delete(state, name)
		}
		states = append(states, state)
	}
}
