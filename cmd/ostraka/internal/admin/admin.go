package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

const (
	defaultAddress = "localhost:6651"
	// callTimeout bounds one command.
	callTimeout = 30 * time.Second
	// maxRedirects bounds how often a command follows a coordinator's word that
	// another one leads.
	maxRedirects = 3
)

// Target is the flags that say whom to ask, and how to print what it says.
type Target struct {
	address, format string
	token           dial.Token
}

// NewTarget returns one with the default address.
func NewTarget() *Target { return &Target{address: defaultAddress, format: string(output.Table)} }

func (t *Target) define(set *pflag.FlagSet) {
	set.StringVar(&t.address, "admin-address", t.address, "public address of a coordinator")
	set.StringVarP(&t.format, "output", "o", t.format, "what to print: table, json (an object on a line for each item), yaml")
	t.token.Define(set)
}

// DefineAs adds the flags to the set of a command that has flags of the same kind for
// something else: these begin with admin-, and there is none for the output.
func (t *Target) DefineAs(set *pflag.FlagSet) {
	set.StringVar(&t.address, "admin-address", t.address, "public address of a coordinator, for admin")
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	t.token.Define(own)
	own.VisitAll(func(flag *pflag.Flag) {
		flag.Name = "admin-" + flag.Name
		set.AddFlag(flag)
	})
}

// SetFormat chooses the output.
func (t *Target) SetFormat(format output.Format) { t.format = string(format) }

// Check returns what is wrong with the flags.
func (t *Target) Check() error {
	if err := dial.CheckAddress("admin-address", t.address); err != nil {
		return err
	}
	if _, err := output.ParseFormat(t.format); err != nil {
		return exit.Usage("output", t.format, err.Error())
	}
	return t.token.Check()
}

// call has a coordinator do something, the one that leads.
func (t *Target) call(ctx context.Context, do func(context.Context, api.OxiaAdminClient) error) error {
	if err := t.Check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	address := t.address
	for redirects := 0; ; redirects++ {
		conn, err := dial.New(address, &t.token)
		if err != nil {
			return err
		}
		err = do(ctx, api.NewOxiaAdminClient(conn))
		conn.Close()
		_, metadata := api.ReasonOf(err)
		if leader := metadata[api.MetadataCoordinatorLeader]; leader != "" && leader != address && redirects < maxRedirects {
			address = leader
			continue
		}
		return dial.Explain(err, address, "the public port of a coordinator, which --admin-address should name")
	}
}

// printer returns what prints items of one kind.
func (t *Target) printer(cmd *cobra.Command, columns ...string) *output.Printer {
	return output.NewPrinter(cmd.OutOrStdout(), output.Format(t.format), columns...)
}

// show prints items, and the headings also where there is none.
func show[T output.Item](p *output.Printer, items ...T) error {
	for _, item := range items {
		if err := p.Print(item); err != nil {
			return err
		}
	}
	return p.Flush()
}

// Command returns the command with all below it, with flags for its target.
func Command() *cobra.Command {
	target := NewTarget()
	cmd := Build(target)
	target.define(cmd.PersistentFlags())
	return cmd
}

// Build returns the command with all below it, for a target whose flags are defined
// elsewhere.
func Build(target *Target) *cobra.Command {
	cmd := arguments.Group(&cobra.Command{
		Use:   "admin",
		Short: "Look at and change a cluster: its servers, namespaces and shards",
		Long: `Looks at and changes what a cluster should be, by way of a coordinator.

A coordinator that does not lead names the one that does, and the command turns to it.`,
	})
	cmd.AddCommand(serverCommand(target), namespaceCommand(target), shardCommand(target))
	return cmd
}

// yesNo is a boolean in a table.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// orNone marks an empty cell.
func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// number is a number in a table.
func number[T ~uint32 | ~int64](n T) string { return fmt.Sprint(n) }
