package data

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// rangeFlags are the flags of list and range-scan.
type rangeFlags struct {
	low, high, index string
	partition        partitionFlag
	internal         bool
	limit            int
}

func (f *rangeFlags) define(set *pflag.FlagSet) {
	set.StringVarP(&f.low, "key-min", "s", "", "first key")
	set.StringVarP(&f.high, "key-max", "e", "", "end of the range, which is not part of it; empty: unbounded")
	f.partition.define(set, "only the shard that this key chooses")
	set.StringVar(&f.index, "index", "", "the range is one of secondary keys of this index")
	set.BoolVar(&f.internal, "internal-keys", false, "show the server's own records too")
	set.IntVar(&f.limit, "limit", 0, "stop after so many; 0: no limit")
}

func (f *rangeFlags) options(cmd *cobra.Command) ([]client.ScanOption, error) {
	var options []client.ScanOption
	if routed, given := f.partition.option(); given {
		options = append(options, routed)
	}
	if cmd.Flags().Changed("index") {
		if f.index == "" {
			return nil, exit.Usage("index", `""`, "name an index, or leave the flag out")
		}
		options = append(options, client.UseIndex(f.index))
	}
	if f.internal {
		options = append(options, client.IncludeInternalKeys())
	}
	if f.limit < 0 {
		return nil, exit.Usage("limit", f.limit, "give 1 or more, or 0 for no limit")
	}
	return options, nil
}

// over reports whether so many are enough.
func (f *rangeFlags) over(printed int) bool { return f.limit > 0 && printed >= f.limit }

func (c *Connection) list() *cobra.Command {
	var flags rangeFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys of a range",
		Long: `Prints the keys from --key-min to --key-max, without the latter, one on a line. In the
hierarchical order of keys a/ to a// is what is directly below a/.`,
		Example: `  ostraka client list
  ostraka client list -s config/ -e config//
  ostraka client list --index email -s a -e b`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := flags.options(cmd)
			if err != nil {
				return err
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				p := c.printer(cmd.OutOrStdout())
				printed := 0
				for found, err := range used.List(ctx, flags.low, flags.high, options...) {
					if err != nil {
						return flushed(p, err)
					}
					if err := p.Print(key{found}); err != nil {
						return err
					}
					if printed++; flags.over(printed) {
						break
					}
				}
				return p.Flush()
			})
		},
	}
	flags.define(cmd.Flags())
	return cmd
}

// flushed prints what was found before an error.
func flushed(p *output.Printer, err error) error {
	if failure := p.Flush(); failure != nil {
		return failure
	}
	return err
}

func (c *Connection) rangeScan() *cobra.Command {
	var flags rangeFlags
	var encoding encodingFlags
	var versions bool
	cmd := &cobra.Command{
		Use:   "range-scan",
		Short: "Print the records of a range",
		Long: `Prints the records from --key-min to --key-max, without the latter, in the order of
their keys. Each shard is seen at one moment. In the hierarchical order of keys a/ to
a// is what is directly below a/.`,
		Example: `  ostraka client range-scan -s config/ -e config//
  ostraka client range-scan -v -o json | jq .version.id
  ostraka client range-scan --index email -s a -e b`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := encoding.encoding(cmd.Flags())
			if err != nil {
				return err
			}
			options, err := flags.options(cmd)
			if err != nil {
				return err
			}
			s := shape{encoding: chosen, versions: versions, secondary: flags.index != ""}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				p := c.printer(cmd.OutOrStdout(), s.columns()...)
				printed := 0
				for found, err := range used.RangeScan(ctx, flags.low, flags.high, options...) {
					if err != nil {
						return flushed(p, err)
					}
					if err := p.Print(s.record(found)); err != nil {
						return err
					}
					if printed++; flags.over(printed) {
						break
					}
				}
				return p.Flush()
			})
		},
	}
	flags.define(cmd.Flags())
	cmd.Flags().BoolVarP(&versions, "include-version", "v", false, "print the versions too")
	encoding.define(cmd.Flags())
	return cmd
}
