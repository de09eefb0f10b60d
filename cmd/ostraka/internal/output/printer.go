package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Format is the kind of output.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// Formats are all of them, in the order of help texts.
func Formats() []string { return []string{string(Table), string(JSON), string(YAML)} }

// ParseFormat returns the format of a name. The error does not say where the name is
// from.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Table, JSON, YAML:
		return f, nil
	}
	return "", fmt.Errorf("give one of %s", strings.Join(Formats(), ", "))
}

// Item is something to print. Its JSON, and with it its YAML, is that of
// encoding/json.
type Item interface {
	// Row returns the item's cells in a table, as many as the printer has columns.
	Row() []string
}

const (
	// tableAhead is how many rows decide how wide columns are.
	tableAhead = 100
	// columnGap is between two columns.
	columnGap = "  "
	// widestColumn bounds what a column is padded to, so that one long value does
	// not push the others off the screen.
	widestColumn = 60
)

// Printer prints items of one kind.
type Printer struct {
	w       io.Writer
	format  Format
	columns []string

	// Of a table: the rows that wait for their widths, and the widths, which are nil
	// until they are known.
	waiting [][]string
	widths  []int
	printed bool
}

// NewPrinter returns a printer to w. Columns are a table's headings; a table without
// them is lines of cells.
func NewPrinter(w io.Writer, format Format, columns ...string) *Printer {
	return &Printer{w: w, format: format, columns: columns}
}

// Print prints an item, a row of a table perhaps only with a later one.
func (p *Printer) Print(item Item) error {
	switch p.format {
	case JSON:
		line, err := marshal(item)
		if err != nil {
			return err
		}
		_, err = p.w.Write(line)
		return err
	case YAML:
		return p.document(item)
	}
	p.waiting = append(p.waiting, item.Row())
	if p.widths == nil && len(p.waiting) < tableAhead {
		return nil
	}
	return p.Flush()
}

// Flush prints what waits. A table of which nothing was printed gets its headings.
func (p *Printer) Flush() error {
	if p.format != Table {
		return nil
	}
	var text strings.Builder
	if p.widths == nil {
		p.measure()
		if len(p.columns) > 0 {
			p.line(&text, p.columns)
		}
	}
	for _, row := range p.waiting {
		p.line(&text, row)
	}
	p.waiting = p.waiting[:0]
	_, err := io.WriteString(p.w, text.String())
	return err
}

func (p *Printer) measure() {
	p.widths = make([]int, len(p.columns))
	for _, row := range append([][]string{p.columns}, p.waiting...) {
		for i, cell := range row {
			if i >= len(p.widths) {
				p.widths = append(p.widths, 0)
			}
			p.widths[i] = max(p.widths[i], min(utf8.RuneCountInString(cell), widestColumn))
		}
	}
}

// line writes a row, without spaces at its end.
func (p *Printer) line(text *strings.Builder, row []string) {
	for i, cell := range row {
		text.WriteString(cell)
		if i == len(row)-1 {
			break
		}
		width := 0
		if i < len(p.widths) {
			width = p.widths[i]
		}
		text.WriteString(strings.Repeat(" ", max(0, width-utf8.RuneCountInString(cell))))
		text.WriteString(columnGap)
	}
	text.WriteByte('\n')
}

// document prints an item's JSON as YAML: the one is a kind of the other, so that
// names and order are the same.
func (p *Printer) document(item Item) error {
	line, err := marshal(item)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	node, err := nodeOf(decoder)
	if err != nil {
		return fmt.Errorf("turn the output into YAML: %w", err)
	}
	var text bytes.Buffer
	if p.printed {
		text.WriteString("---\n")
	}
	p.printed = true
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return fmt.Errorf("turn the output into YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("turn the output into YAML: %w", err)
	}
	_, err = p.w.Write(text.Bytes())
	return err
}

// nodeOf reads one JSON value as YAML, the order of its fields kept. A YAML parser would
// do it too, were it not that JSON may hold characters that YAML must escape.
func nodeOf(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	delimiter, nested := token.(json.Delim)
	if !nested {
		node := new(yaml.Node)
		if number, ok := token.(json.Number); ok {
			node.Kind, node.Value = yaml.ScalarNode, number.String()
			return node, nil
		}
		return node, node.Encode(token)
	}
	node := &yaml.Node{Kind: yaml.SequenceNode}
	if delimiter == '{' {
		node.Kind = yaml.MappingNode
	}
	// A field's name is a token of its own before its value.
	for decoder.More() {
		child, err := nodeOf(decoder)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, child)
	}
	_, err = decoder.Token()
	return node, err
}

// marshal returns an item's JSON as one line. Text is not altered for browsers.
func marshal(item Item) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(item); err != nil {
		return nil, fmt.Errorf("turn the output into JSON: %w", err)
	}
	return text.Bytes(), nil
}
