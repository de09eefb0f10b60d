package data

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// getFlags are the flags of get.
type getFlags struct {
	encoding   encodingFlags
	partition  partitionFlag
	versions   bool
	exact      bool
	index      string
	comparison string
}

func (c *Connection) get() *cobra.Command {
	var flags getFlags
	cmd := &cobra.Command{
		Use:   "get KEY",
		Short: "Look a record up",
		Long: `Looks a record up and prints its value. If there is none the exit code is 3.

With --type the nearest key is looked for: floor (the greatest that is not above KEY),
ceiling (the least that is not below it), lower, higher. Then, with --index and with
--include-version, a table tells the key too.`,
		Example: `  ostraka client get config/limit
  ostraka client get config/limit -v
  ostraka client get images/logo --exact > logo.png
  ostraka client get events/ --type higher
  ostraka client get ada@example.com --index email -o json`,
		Args: arguments.Exactly("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			encoding, err := flags.encoding.encoding(cmd.Flags())
			if err != nil {
				return err
			}
			options, err := flags.options(cmd)
			if err != nil {
				return err
			}
			if flags.exact && (flags.versions || c.Format() != output.Table) {
				return exit.Misuse("--exact prints the value and nothing else: leave --include-version and --output out")
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				found, err := used.Get(ctx, args[0], options...)
				if err != nil {
					return err
				}
				if flags.exact {
					_, err := cmd.OutOrStdout().Write([]byte(encoding.Encode(found.Value)))
					return err
				}
				return c.printRecord(cmd, &flags, encoding, found)
			})
		},
	}
	set := cmd.Flags()
	set.BoolVarP(&flags.versions, "include-version", "v", false, "print the key and version too")
	flags.partition.define(set, "the partition key under which the record was put")
	set.StringVar(&flags.index, "index", "", "look KEY up among the secondary keys of this index")
	set.StringVarP(&flags.comparison, "type", "t", "equal", "which key to look for: equal, floor, ceiling, lower, higher")
	set.BoolVar(&flags.exact, "exact", false, "print the bytes of the value and nothing else, not even the end of the line")
	flags.encoding.define(set)
	return cmd
}

// printRecord prints what was found. A table is the value alone if nothing else is new.
func (c *Connection) printRecord(cmd *cobra.Command, flags *getFlags, encoding output.Encoding, found client.Record) error {
	s := shape{encoding: encoding, versions: flags.versions || c.Format() != output.Table, secondary: flags.index != ""}
	item, columns := s.record(found), s.columns()
	if c.Format() == output.Table && !flags.versions && flags.index == "" && flags.comparison == "equal" {
		// Values are lines for scripts here, and not cells.
		item.cells, columns = []string{encoding.Encode(found.Value)}, nil
	}
	return printOne(c.printer(cmd.OutOrStdout(), columns...), item)
}

func (f *getFlags) options(cmd *cobra.Command) ([]client.GetOption, error) {
	var options []client.GetOption
	if partition, given := f.partition.option(); given {
		options = append(options, partition)
	}
	switch f.comparison {
	case "equal":
	case "floor":
		options = append(options, client.Floor())
	case "ceiling":
		options = append(options, client.Ceiling())
	case "lower":
		options = append(options, client.Lower())
	case "higher":
		options = append(options, client.Higher())
	default:
		return nil, exit.Usage("type", f.comparison, "give one of equal, floor, ceiling, lower, higher")
	}
	if cmd.Flags().Changed("index") {
		if f.index == "" {
			return nil, exit.Usage("index", `""`, "name an index, or leave the flag out")
		}
		options = append(options, client.UseIndex(f.index))
	}
	return options, nil
}
