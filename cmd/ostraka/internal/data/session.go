package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

const (
	// tokenVariable tells a program that runs in a session the version of its record.
	tokenVariable = "OSTRAKA_FENCING_TOKEN"
	// programGrace is how long a program has to end after it was asked to.
	programGrace = 10 * time.Second
	// closeTimeout bounds the end of a session. One that could not be ended goes by its
	// timeout.
	closeTimeout = 5 * time.Second
)

// sessionFlags are the flags of session.
type sessionFlags struct {
	encoding  encodingFlags
	partition partitionFlag
	expected  expectedFlag
	timeout   time.Duration
}

func (c *Connection) session() *cobra.Command {
	var flags sessionFlags
	cmd := &cobra.Command{
		Use:   "session KEY [VALUE] [-- PROGRAM [ARGUMENT]...]",
		Short: "Keep a record for as long as a session lives",
		Long: `Opens a session, puts a record that lives in it, and keeps it alive until it is
interrupted, or until PROGRAM has ended. Then the record is gone. It goes too when this
process is killed or cut off, after --session-timeout.

PROGRAM finds the record's version in ` + tokenVariable + `: a fencing token, which is
higher for each that holds the record. If the session is lost, PROGRAM is asked to end,
and killed if it does not; then the exit code is 1.`,
		Example: `  ostraka client session services/web/1 10.0.0.7:80
  ostraka client session locks/backup -e -1 -- ./backup.sh    # one at a time`,
		Args: func(cmd *cobra.Command, args []string) error {
			own, _ := split(cmd, args)
			return arguments.Between(1, "KEY", "VALUE")(cmd, own)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			own, program := split(cmd, args)
			if cmd.ArgsLenAtDash() >= 0 && len(program) == 0 {
				return exit.Misuse("PROGRAM is missing after --")
			}
			value, options, err := flags.check(cmd, own)
			if err != nil {
				return err
			}
			return c.hold(cmd, &flags, own[0], value, options, program)
		},
	}
	set := cmd.Flags()
	flags.expected.define(set, "put the record only over this version; -1: only if there is none")
	flags.partition.define(set, "route the record by this key in place of its own")
	set.DurationVar(&flags.timeout, "session-timeout", api.DefaultSessionTimeout, "how long the session lives without a word from here")
	flags.encoding.define(set)
	return cmd
}

// split separates the command's arguments from the program after --.
func split(cmd *cobra.Command, args []string) (own, program []string) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		return args[:at], args[at:]
	}
	return args, nil
}

func (f *sessionFlags) check(cmd *cobra.Command, args []string) ([]byte, []client.PutOption, error) {
	if f.timeout < api.MinSessionTimeout || f.timeout > api.MaxSessionTimeout {
		return nil, nil, exit.Usage("session-timeout", f.timeout, fmt.Sprintf("give from %s to %s", api.MinSessionTimeout, api.MaxSessionTimeout))
	}
	put := putFlags{encoding: f.encoding, partition: f.partition, expected: f.expected}
	value, err := put.value(cmd, args)
	if err != nil {
		return nil, nil, err
	}
	options, err := put.options()
	return value, options, err
}

// hold opens a session and keeps its record until it is over. The session has a client
// of its own: its timeout is one of the client.
func (c *Connection) hold(cmd *cobra.Command, flags *sessionFlags, key string, value []byte, options []client.PutOption, program []string) (err error) {
	used, err := c.Open(cmd.Context(), client.WithSessionTimeout(flags.timeout))
	if err != nil {
		return err
	}
	defer func() { err = c.explain(errors.Join(err, used.Close())) }()
	route := key
	if _, given := flags.partition.option(); given {
		route = flags.partition.key
	}
	session, err := used.NewSession(cmd.Context(), route)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), closeTimeout)
		defer cancel()
		err = errors.Join(err, session.Close(ctx))
	}()
	stored, err := used.Put(cmd.Context(), key, value, append(options, client.InSession(session))...)
	if err != nil {
		return err
	}
	if len(program) > 0 {
		return run(cmd, session, stored.Version.ID, program)
	}
	if err := printOne(c.printer(cmd.OutOrStdout(), writtenColumns...), written(stored.Key, stored.Version)); err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "the record lives as long as this; interrupt to end")
	select {
	case <-session.Done():
		return lost(session)
	case <-cmd.Context().Done():
		return nil
	}
}

// lost says why a session that should live is over. It is a failure, not an answer to
// what was asked, as it is where a put names a session that has ended.
func lost(session *client.Session) error {
	return explained{fmt.Errorf("the session was lost: %w", session.Err())}
}

// run runs a program while a session lives.
func run(cmd *cobra.Command, session *client.Session, token int64, program []string) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	watched := make(chan struct{})
	defer func() { cancel(nil); <-watched }()
	go func() {
		defer close(watched)
		select {
		case <-session.Done():
			cancel(lost(session))
		case <-ctx.Done():
		}
	}()
	child := exec.CommandContext(ctx, program[0], program[1:]...)
	child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	child.Env = append(os.Environ(), tokenVariable+"="+strconv.FormatInt(token, 10))
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.WaitDelay = programGrace
	err := child.Run()
	if cause := context.Cause(ctx); errors.As(cause, new(explained)) {
		return cause
	}
	if err != nil {
		return fmt.Errorf("%s: %w", program[0], err)
	}
	return nil
}
