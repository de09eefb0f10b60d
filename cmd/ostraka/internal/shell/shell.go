package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/admin"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/words"
)

// maxLine bounds a line: what a put of the largest value in hexadecimal digits needs.
const maxLine = 40 << 20

// shell runs lines.
type shell struct {
	connection *data.Connection
	target     *admin.Target
}

// check returns what is wrong with the flags, before anything is asked.
func (s *shell) check() error {
	if err := s.connection.Check(); err != nil {
		return err
	}
	s.target.SetFormat(s.connection.Format())
	return s.target.Check()
}

// run runs lines until there are no more, and closes the connection.
func (s *shell) run(cmd *cobra.Command, lines source) (err error) {
	defer func() { err = errors.Join(err, s.connection.Close()) }()
	for {
		line, err := next(cmd.Context(), lines)
		if errors.Is(err, io.EOF) || cmd.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a line: %w", err)
		}
		over, err := s.line(cmd, line)
		if over {
			return nil
		}
		if err == nil {
			continue
		}
		if lines.script() {
			return fmt.Errorf("%s: %w", line, err)
		}
		fmt.Fprintln(cmd.ErrOrStderr(), err)
	}
}

// next returns the next line, or the context's error. Nothing can take a read of a
// terminal back: one that is still waiting when the context ends is left behind, and
// ends with the process, which is about to.
func next(ctx context.Context, lines source) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := lines.next()
		read <- result{line, err}
	}()
	select {
	case r := <-read:
		return r.line, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// line runs one line, and reports whether it was the last.
func (s *shell) line(cmd *cobra.Command, line string) (over bool, err error) {
	args, err := words.Split(line)
	if err != nil {
		return false, exit.With(exit.Misused, err)
	}
	if len(args) == 0 {
		return false, nil
	}
	if len(args) == 1 && (args[0] == "exit" || args[0] == "quit") {
		return true, nil
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
	defer stop()
	format := s.connection.Format()
	// -o holds for its line alone.
	defer s.connection.SetFormat(format)
	root := s.commands()
	// A script is what this shell reads: its commands do not read on in it.
	root.SetIn(&emptyReader{})
	root.SetOut(cmd.OutOrStdout())
	root.SetErr(cmd.ErrOrStderr())
	root.SetArgs(args)
	return false, root.ExecuteContext(ctx)
}

// emptyReader is an input that says why there is none.
type emptyReader struct{}

func (*emptyReader) Read([]byte) (int, error) {
	return 0, errors.New("a shell's commands have no standard input: give VALUE or STEP on the line")
}

// commands returns a root with all commands. It is made anew for each line, so that no
// flag of one is left over for the next.
func (s *shell) commands() *cobra.Command {
	root := arguments.Group(&cobra.Command{
		Use:           "shell",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long:          "help COMMAND tells more about one. exit ends the shell.",
	})
	root.SetFlagErrorFunc(arguments.ExplainFlag)
	root.CompletionOptions.DisableDefaultCmd = true
	s.connection.DefineOutput(root.PersistentFlags())
	root.PersistentPreRun = func(*cobra.Command, []string) { s.target.SetFormat(s.connection.Format()) }
	root.AddCommand(data.Commands(s.connection)...)
	root.AddCommand(admin.Build(s.target))
	return root
}

// script is lines of a file or a pipe.
type script struct{ scanner *bufio.Scanner }

func newScript(r io.Reader) *script {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	return &script{scanner}
}

func (s *script) next() (string, error) {
	if s.scanner.Scan() {
		return s.scanner.Text(), nil
	}
	if err := s.scanner.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

func (*script) script() bool { return true }
