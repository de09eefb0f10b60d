package lint

import (
	"fmt"
	"io/fs"
	"sort"
)

// Breach is one place where a rule is broken.
type Breach struct {
	// Path is the file or directory, relative to the module.
	Path string
	// Message says what is wrong and what to do about it.
	Message string
}

func (b Breach) String() string { return b.Path + ": " + b.Message }

// Check returns every breach in the tree of a module, sorted by path. The error
// means that the tree could not be read.
func Check(tree fs.FS, module string) ([]Breach, error) {
	sources, err := readTree(tree)
	if err != nil {
		return nil, fmt.Errorf("read source tree: %w", err)
	}
	var breaches []Breach
	for i := range sources {
		s := &sources[i]
		breaches = append(breaches, checkImports(s, module)...)
		breaches = append(breaches, checkLength(s)...)
		breaches = append(breaches, checkName(s)...)
	}
	breaches = append(breaches, checkDocs(sources)...)
	breaches = append(breaches, checkDirNames(sources)...)
	sort.Slice(breaches, func(i, j int) bool { return breaches[i].String() < breaches[j].String() })
	return breaches, nil
}
