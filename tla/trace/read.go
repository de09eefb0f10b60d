package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Read reads a trace. A last line without its end is what a killed process left,
// and is passed over.
func Read(in io.Reader) ([]Line, error) {
	var lines []Line
	buffered := bufio.NewReader(in)
	for {
		text, err := buffered.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("trace: read: %w", err)
		}
		var line Line
		if err := json.Unmarshal(bytes.TrimSpace(text), &line); err != nil {
			return nil, fmt.Errorf("trace: line %d: %w", len(lines)+1, err)
		}
		lines = append(lines, line)
	}
}

// Merge puts traces of several processes in the order of time. Lines of one trace
// stay in their order.
func Merge(traces ...[]Line) []Line {
	merged := slices.Concat(traces...)
	slices.SortStableFunc(merged, func(a, b Line) int { return int(min(max(a.Time-b.Time, -1), 1)) })
	return merged
}
