package metric

import (
	"fmt"
	"os"
	"strings"
)

// Document is a place for a table in a file of documentation: between a line that
// begins it and one that ends it.
type Document struct {
	// Path is the file's.
	Path string
	// Process says whose the table is, as in "a data server", and Command how it is
	// written anew.
	Process, Command string
}

// Hold compares the table in the document with the one of the definitions. If they
// differ, the error says how to mend it, or, with rewrite, the document is written anew.
func (at Document) Hold(d Definitions, rewrite bool) error {
	text, err := os.ReadFile(at.Path)
	if err != nil {
		return err
	}
	begin := fmt.Sprintf("<!-- The table of %s: %s -->\n", at.Process, at.Command)
	end := fmt.Sprintf("<!-- End of the table of %s -->\n", at.Process)
	before, rest, found := strings.Cut(string(text), begin)
	table, after, closed := strings.Cut(rest, end)
	switch {
	case !found || !closed:
		return fmt.Errorf("%s has no place for the table of %s; write these lines where it is to be:\n%s%s", at.Path, at.Process, begin, end)
	case table == d.Table():
		return nil
	case !rewrite:
		return fmt.Errorf("%s is not current; run %s", at.Path, at.Command)
	}
	return os.WriteFile(at.Path, []byte(before+begin+d.Table()+end+after), 0o644)
}
