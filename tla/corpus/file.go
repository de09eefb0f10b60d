package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Modules are those that the corpus depends on, in tla/, and the flavours.
var Modules = []string{
	"State", "Network", "Replica", "Reads", "Snapshots", "Coordinator", "EnsembleChange", "Ostraka", "Corpus", "CorpusChange",
}

// Flavours are the models that behaviours are made from: each has a configuration,
// Corpus and its name.
var Flavours = []string{"Elections", "Replication", "Reads", "Snapshots", "Change"}

// Corpus is what the file holds.
type Corpus struct {
	// Spec is the hash of the modules that made the behaviours.
	Spec       string
	Behaviours []Behaviour
}

// Hash returns the hash of the modules and configurations in a directory.
func Hash(dir string) (string, error) {
	sum := sha256.New()
	var names []string
	for _, m := range Modules {
		names = append(names, m+".tla")
	}
	for _, f := range Flavours {
		names = append(names, "Corpus"+f+".cfg")
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("corpus: %w", err)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(data))
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Write writes a corpus. Equal ones are equal files.
func (c *Corpus) Write(path string) error {
	var file bytes.Buffer
	packed, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	w := bufio.NewWriter(packed)
	fmt.Fprintf(w, "# Behaviours of the specification, made by scripts/tlc corpus. The form is told in doc.go.\nspec %s\n", c.Spec)
	for i := range c.Behaviours {
		c.Behaviours[i].write(w)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	if err := packed.Close(); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	return nil
}

// stepName is the variable that names the step.
const stepName = "act"

func (b *Behaviour) write(w io.Writer) {
	fmt.Fprintf(w, "behaviour %s %d\n", b.Flavour, b.Parts)
	for i, state := range b.States {
		if i == 0 {
			fmt.Fprintf(w, "= %s\n", Text(state))
			continue
		}
		fmt.Fprintf(w, "> %s\n", Text(state[stepName]))
		before := b.States[i-1]
		for _, name := range state.keys() {
			if name == stepName {
				continue
			}
			for _, line := range appendDelta(nil, name, before[name], state[name]) {
				fmt.Fprintln(w, line)
			}
		}
	}
}

// Read reads a corpus.
func Read(path string) (*Corpus, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("corpus: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	packed, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("corpus: %s: %w", path, err)
	}
	lines := bufio.NewScanner(packed)
	lines.Buffer(nil, 1<<20)
	c := &Corpus{}
	for n := 1; lines.Scan(); n++ {
		if err := c.take(lines.Text()); err != nil {
			return nil, fmt.Errorf("corpus: %s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("corpus: %s: %w", path, err)
	}
	return c, nil
}

// take takes the next line.
func (c *Corpus) take(line string) error {
	what, rest, _ := strings.Cut(line, " ")
	switch what {
	case "#":
		return nil
	case "spec":
		c.Spec = rest
		return nil
	case "behaviour":
		c.Behaviours = append(c.Behaviours, Behaviour{})
		b := &c.Behaviours[len(c.Behaviours)-1]
		if _, err := fmt.Sscanf(rest, "%s %d", &b.Flavour, &b.Parts); err != nil {
			return fmt.Errorf("a behaviour's head: %w", err)
		}
		return nil
	}
	if len(c.Behaviours) == 0 {
		return fmt.Errorf("%q before the first behaviour", line)
	}
	return c.Behaviours[len(c.Behaviours)-1].take(what, rest, line)
}

func (b *Behaviour) take(what, rest, line string) error {
	if len(b.States) == 0 || what == ">" {
		var v Value
		if err := reading(func() { v = (&reader{text: rest}).value() }); err != nil {
			return err
		}
		record, ok := v.(Record)
		switch {
		case !ok:
			return fmt.Errorf("%q is no record", rest)
		case len(b.States) == 0:
			b.States = append(b.States, record)
			return nil
		}
		next := Record{}
		for name, value := range b.States[len(b.States)-1] {
			next[name] = value
		}
		next[stepName] = record
		b.States = append(b.States, next)
		return nil
	}
	// The newest state is this behaviour's own until the next step.
	state := b.States[len(b.States)-1]
	changed, err := applyDelta(state, line)
	if err != nil {
		return err
	}
	b.States[len(b.States)-1], _ = changed.(Record)
	return nil
}

// name is a behaviour's flavour and number.
func (c *Corpus) name(i int) string { return fmt.Sprintf("%d (%s)", i+1, c.Behaviours[i].Flavour) }
