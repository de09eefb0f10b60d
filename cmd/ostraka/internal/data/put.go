package data

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// maxInput bounds what is read from standard input: one byte more than servers take,
// so that they may say so.
const maxInput = 16<<20 + 1

// encodingFlags say how values are written as text.
type encodingFlags struct {
	name string
	hex  bool
}

func (f *encodingFlags) define(set *pflag.FlagSet) {
	set.StringVar(&f.name, "encoding", string(output.Raw), "how values are written: raw, hex, base64")
	set.BoolVar(&f.hex, "hex", false, "the same as --encoding hex")
}

func (f *encodingFlags) encoding(set *pflag.FlagSet) (output.Encoding, error) {
	if f.hex && set.Changed("encoding") && f.name != string(output.Hex) {
		return "", exit.Misuse("--hex and --encoding %s exclude each other: give one of them", f.name)
	}
	if f.hex {
		return output.Hex, nil
	}
	encoding, err := output.ParseEncoding(f.name)
	if err != nil {
		return "", exit.Usage("encoding", f.name, err.Error())
	}
	return encoding, nil
}

// partitionFlag is the partition key, which may be empty and still be given.
type partitionFlag struct {
	set *pflag.FlagSet
	key string
}

func (f *partitionFlag) define(set *pflag.FlagSet, usage string) {
	f.set = set
	set.StringVarP(&f.key, "partition-key", "p", "", usage)
}

// option returns the option, and false if the flag was not given.
func (f *partitionFlag) option() (client.PartitionKeyOption, bool) {
	return client.PartitionKey(f.key), f.set.Changed("partition-key")
}

// expectedFlag is the version that a record must have.
type expectedFlag struct {
	set     *pflag.FlagSet
	version int64
}

func (f *expectedFlag) define(set *pflag.FlagSet, usage string) {
	f.set = set
	set.Int64VarP(&f.version, "expected-version", "e", 0, usage)
}

// option returns the option, and false if the flag was not given.
func (f *expectedFlag) option() (client.ExpectedVersionOption, bool, error) {
	if !f.set.Changed("expected-version") {
		return client.ExpectedVersionOption{}, false, nil
	}
	if f.version < client.NoVersion {
		return client.ExpectedVersionOption{}, false, exit.Usage("expected-version", f.version, "give a version, or -1 for no record")
	}
	return client.ExpectedVersion(f.version), true, nil
}

// putFlags are the flags of put.
type putFlags struct {
	encoding  encodingFlags
	partition partitionFlag
	expected  expectedFlag
	stdin     bool
	deltas    []uint
	indexes   []string
	once      bool
}

func (c *Connection) put() *cobra.Command {
	var flags putFlags
	cmd := &cobra.Command{
		Use:   "put KEY [VALUE]",
		Short: "Create a record, or overwrite it",
		Long: `Creates a record or overwrites it, and prints its version. Without VALUE the value is
empty, or with --stdin what is on standard input.

With --expected-version the record is written only if it has that version, or with -1
only if there is none; otherwise nothing is written and the exit code is 3. The version
of a record never comes back, so that it is a fencing token for what the record stands
for.

With --sequence-keys-deltas the server appends a number for each delta to the key: the
last number of the sequence plus the delta. A sequence is kept by one shard, so that
--partition-key must be given.`,
		Example: `  ostraka client put config/limit 10
  ostraka client put config/limit 11 -e 0            # only over version 0
  ostraka client put leader me -e -1                 # only if there is none
  ostraka client put images/logo --stdin < logo.png
  ostraka client put user/7 Ada --index email=ada@example.com
  ostraka client put orders/o 'two pizzas' -p orders -d 1`,
		Args: arguments.Between(1, "KEY", "VALUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := flags.value(cmd, args)
			if err != nil {
				return err
			}
			options, err := flags.options()
			if err != nil {
				return err
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				stored, err := used.Put(ctx, args[0], value, options...)
				if err != nil {
					return err
				}
				return printOne(c.printer(cmd.OutOrStdout(), writtenColumns...), written(stored.Key, stored.Version))
			})
		},
	}
	set := cmd.Flags()
	flags.expected.define(set, "write only over this version; -1: only if there is no record")
	set.BoolVarP(&flags.stdin, "stdin", "c", false, "read the value from standard input")
	flags.partition.define(set, "route the record by this key in place of its own")
	set.UintSliceVarP(&flags.deltas, "sequence-keys-deltas", "d", nil, "append numbers to the key: the last of the sequence plus these")
	set.StringArrayVar(&flags.indexes, "index", nil, "enter the record into a secondary index, as name=secondary-key; may be repeated")
	set.BoolVar(&flags.once, "exactly-once", false, onceUsage)
	flags.encoding.define(set)
	return cmd
}

// value returns the value that is given as an argument or on standard input.
func (f *putFlags) value(cmd *cobra.Command, args []string) ([]byte, error) {
	encoding, err := f.encoding.encoding(cmd.Flags())
	if err != nil {
		return nil, err
	}
	text := ""
	switch {
	case len(args) == 2 && f.stdin:
		return nil, exit.Misuse("VALUE is given, and --stdin too: give one of them")
	case len(args) == 2:
		text = args[1]
	case f.stdin:
		input, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxInput*2))
		if err != nil {
			return nil, fmt.Errorf("read the value from standard input: %w", err)
		}
		if encoding == output.Raw {
			return input, nil
		}
		text = strings.TrimSpace(string(input))
	}
	value, err := encoding.Decode(text)
	if err != nil {
		return nil, exit.With(exit.Misused, fmt.Errorf("VALUE %w", err))
	}
	return value, nil
}

func (f *putFlags) options() ([]client.PutOption, error) {
	var options []client.PutOption
	if partition, given := f.partition.option(); given {
		options = append(options, partition)
	}
	expected, given, err := f.expected.option()
	if err != nil {
		return nil, err
	}
	if given {
		options = append(options, expected)
	}
	if f.once {
		options = append(options, client.ExactlyOnce())
	}
	for _, index := range f.indexes {
		name, secondary, found := strings.Cut(index, "=")
		if !found || name == "" {
			return nil, exit.Usage("index", index, "give name=secondary-key")
		}
		options = append(options, client.SecondaryIndex(name, secondary))
	}
	if len(f.deltas) == 0 {
		return options, nil
	}
	_, routed := f.partition.option()
	switch {
	case f.deltas[0] == 0:
		return nil, exit.Usage("sequence-keys-deltas", 0, "the first delta is 1 or more")
	case !routed:
		return nil, exit.Misuse("--partition-key is missing: a sequence is kept by one shard, which that key chooses")
	case given:
		return nil, exit.Misuse("--expected-version and --sequence-keys-deltas exclude each other: the key is always new")
	}
	deltas := make([]uint64, len(f.deltas))
	for i, delta := range f.deltas {
		deltas[i] = uint64(delta)
	}
	return append(options, client.SequenceDeltas(deltas...)), nil
}
