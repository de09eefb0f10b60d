package shell

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal is lines that are edited on a terminal. While no line is read the terminal is
// as it was, so that an interrupt reaches the command that runs.
type terminal struct {
	in, out *os.File
	editor  *term.Terminal
}

func newTerminal(in, out *os.File, prompt string, past *history, complete func(line string, pos int) (string, int)) *terminal {
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&keys{in: in}, out}, prompt)
	editor.History = past
	editor.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos = complete(line, pos)
		return line, pos, true
	}
	return &terminal{in: in, out: out, editor: editor}
}

func (t *terminal) next() (line string, err error) {
	before, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() {
		if failure := term.Restore(int(t.in.Fd()), before); err == nil {
			err = failure
		}
	}()
	if width, height, err := term.GetSize(int(t.out.Fd())); err == nil && width > 0 {
		// A terminal that does not tell its size is taken to be of the usual one.
		_ = t.editor.SetSize(width, height)
	}
	return t.editor.ReadLine()
}

func (*terminal) script() bool { return false }

// keys are what is typed. An interrupt, for which the editor would end, empties the line
// instead: to its end, delete to its beginning, enter.
type keys struct {
	in   io.Reader
	rest []byte
}

const interruptKey = 3

var emptyLine = []byte{5, 21, 13}

func (k *keys) Read(p []byte) (int, error) {
	if len(k.rest) == 0 {
		typed := make([]byte, len(p))
		n, err := k.in.Read(typed)
		if n == 0 {
			return 0, err
		}
		for _, key := range typed[:n] {
			if key == interruptKey {
				k.rest = append(k.rest, emptyLine...)
			} else {
				k.rest = append(k.rest, key)
			}
		}
	}
	n := copy(p, k.rest)
	k.rest = k.rest[n:]
	return n, nil
}
