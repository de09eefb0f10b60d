package shell

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxHistory bounds the lines that are kept.
	maxHistory = 1000
	// maxHistoryLine bounds a line that is kept: no value of a megabyte comes back by
	// an arrow key.
	maxHistoryLine = 4 << 10
)

// history is the lines that were read, the oldest first. With a file they are there in
// later runs too. It is used by one goroutine.
type history struct {
	lines []string
	file  *os.File
}

// openHistory reads the lines of earlier runs. An empty path keeps lines in memory
// only. The file is its user's alone, since lines have values in them.
func openHistory(path string) (*history, error) {
	if path == "" {
		return &history{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("--history-file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--history-file: %w", err)
	}
	h := &history{file: file}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		h.keep(scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		file.Close()
		return nil, fmt.Errorf("--history-file %s: %w", path, err)
	}
	return h, nil
}

// keep adds a line, and reports whether it is worth it.
func (h *history) keep(line string) bool {
	line = strings.TrimSpace(line)
	if line == "" || len(line) > maxHistoryLine || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return false
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > maxHistory {
		h.lines = h.lines[1:]
	}
	return true
}

// Add keeps a line. That it cannot be written is no reason to disturb who types.
func (h *history) Add(line string) {
	if h.keep(line) && h.file != nil {
		_, _ = h.file.WriteString(strings.TrimSpace(line) + "\n")
	}
}

// Len returns how many lines there are.
func (h *history) Len() int { return len(h.lines) }

// At returns a line, the newest at 0.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

func (h *history) close() {
	if h.file != nil {
		h.file.Close()
	}
}
