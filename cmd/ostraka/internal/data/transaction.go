package data

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// maxStepBytes bounds a line of a transaction on standard input.
const maxStepBytes = 2 * maxInput

// effect is what one operation of a transaction found or left, as it is printed.
type effect struct {
	Operation string   `json:"operation"`
	Key       string   `json:"key"`
	Exists    bool     `json:"exists"`
	Value     *string  `json:"value,omitempty"`
	Encoding  string   `json:"encoding,omitempty"`
	Version   *version `json:"version,omitempty"`

	cell string
}

var effectColumns = []string{"OPERATION", "KEY", "VERSION", "VALUE"}

func (e effect) Row() []string {
	id := "-"
	if e.Version != nil {
		id = strconv.FormatInt(e.Version.ID, 10)
	}
	return []string{e.Operation, output.Cell(e.Key), id, e.cell}
}

func effectOf(verb string, r client.TransactionRecord, encoding output.Encoding) effect {
	e := effect{Operation: verb, Key: r.Key, Exists: r.Exists, cell: "-"}
	if !r.Exists {
		return e
	}
	e.Version = versionOf(r.Version)
	if verb == "get" {
		value := output.Value{Bytes: r.Value, Encoding: encoding}
		text, name := value.Fields()
		e.Value, e.Encoding, e.cell = &text, name, value.Cell()
	}
	return e
}

func (c *Connection) transaction() *cobra.Command {
	var encoding encodingFlags
	var partition partitionFlag
	var stdin, once bool
	cmd := &cobra.Command{
		Use:     "txn [STEP]...",
		Aliases: []string{"transaction"},
		Short:   "Do several things all together or not at all",
		Long: `Carries a transaction out on records of one shard. First all conditions are looked at;
if one does not hold nothing is done, and the exit code is 3. Otherwise the operations
happen in their order, each seeing what those before it did. Each STEP is one argument,
or with --stdin one line:

` + stepsHelp + `

Records that are to meet in transactions are put with one --partition-key.`,
		Example: `  ostraka client txn -p bank 'if bank/a value 10' 'put bank/a 7' 'put bank/b 3'
  ostraka client txn -p bank 'get bank/a' 'get bank/b' -o json
  ostraka client txn --stdin < steps.txt`,
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := encoding.encoding(cmd.Flags())
			if err != nil {
				return err
			}
			if stdin {
				if len(args) > 0 {
					return exit.Misuse("STEP is given, and --stdin too: give one of them")
				}
				if args, err = readLines(cmd.InOrStdin()); err != nil {
					return err
				}
			}
			steps, err := parseSteps(args, chosen)
			if err != nil {
				return err
			}
			var options []client.TransactOption
			if routed, given := partition.option(); given {
				options = append(options, routed)
			}
			if once {
				options = append(options, client.ExactlyOnce())
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				return c.transact(ctx, cmd, used, steps, chosen, options)
			})
		},
	}
	partition.define(cmd.Flags(), "the partition key of the records")
	cmd.Flags().BoolVarP(&stdin, "stdin", "c", false, "read the steps from standard input")
	cmd.Flags().BoolVar(&once, "exactly-once", false, onceUsage)
	encoding.define(cmd.Flags())
	return cmd
}

func readLines(r io.Reader) ([]string, error) {
	var lines []string
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxStepBytes)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read the steps from standard input: %w", err)
	}
	return lines, nil
}

func (c *Connection) transact(ctx context.Context, cmd *cobra.Command, used *client.Client, steps script, encoding output.Encoding, options []client.TransactOption) error {
	results, err := used.Transact(ctx, steps.transaction, options...)
	var failed *client.ConditionError
	if errors.As(err, &failed) && failed.Index < len(steps.conditions) {
		return exit.With(exit.NotFound, fmt.Errorf("nothing was done: %q does not hold: %s", steps.conditions[failed.Index], stands(failed)))
	}
	if err != nil {
		return err
	}
	p := c.printer(cmd.OutOrStdout(), effectColumns...)
	for i, result := range results {
		if err := p.Print(effectOf(steps.verbs[i], result, encoding)); err != nil {
			return err
		}
	}
	return p.Flush()
}

// stands says what is in the way of a condition.
func stands(failed *client.ConditionError) string {
	if !failed.Exists {
		return "there is no such record"
	}
	return fmt.Sprintf("the record has version %d", failed.Version.ID)
}
