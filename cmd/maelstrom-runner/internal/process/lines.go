package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// readBuffer is how much of a pipe is read at once.
const readBuffer = 64 << 10

// eachLine calls f for each line without its newline. The last line of a stream may
// not be whole. The line is f's only until f returns.
func eachLine(r io.Reader, limit int, f func(line []byte, whole bool)) error {
	in := bufio.NewReaderSize(r, readBuffer)
	var long []byte // the beginning of a line that does not fit the buffer
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case err == nil:
			line := part[:len(part)-1]
			if len(long) > 0 {
				line = append(long, line...)
				long = long[:0]
			}
			f(line, true)
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > limit {
				return fmt.Errorf("a line is longer than %d bytes", limit)
			}
		case errors.Is(err, io.EOF):
			if long = append(long, part...); len(long) > 0 {
				f(long, false)
			}
			return nil
		default:
			return fmt.Errorf("read a line: %w", err)
		}
	}
}

// logFile keeps a node's standard error: all of it, up to a limit, in a file, and
// the last lines in memory.
type logFile struct {
	f       *os.File
	w       *bufio.Writer
	written int
	recent  []string // at most rememberErr
	err     error
}

func openLog(path string) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open a node's log: %w", err)
	}
	return &logFile{f: f, w: bufio.NewWriter(f)}, nil
}

func (l *logFile) write(line []byte) {
	if len(l.recent) == rememberErr {
		l.recent = append(l.recent[:0], l.recent[1:]...)
	}
	l.recent = append(l.recent, clip(line))
	if l.err != nil || l.written > maxLog {
		return
	}
	if l.written += len(line) + 1; l.written > maxLog {
		line = []byte("(the log is full)")
	}
	_, _ = l.w.Write(line) // bufio keeps the first error for Flush
	l.err = l.w.WriteByte('\n')
}

func (l *logFile) last() []string { return l.recent }

// Close writes out what is left.
func (l *logFile) Close() error {
	if err := errors.Join(l.err, l.w.Flush(), l.f.Close()); err != nil {
		return fmt.Errorf("write its log: %w", err)
	}
	return nil
}

// maxShown bounds what is quoted of a node's line.
const maxShown = 500

func clip(line []byte) string {
	if len(line) <= maxShown {
		return string(line)
	}
	return string(line[:maxShown]) + "..."
}

func exitError(spec Spec, waitErr error, last []string) error {
	how := "exit status 0"
	if waitErr != nil {
		how = waitErr.Error()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "node %s ended by itself (%s)", spec.Node, how)
	if len(last) > 0 {
		fmt.Fprintf(&b, "; the last lines of its standard error:\n    %s", strings.Join(last, "\n    "))
	}
	fmt.Fprintf(&b, "\n  all of it: %s", spec.Log)
	return errors.New(b.String())
}
