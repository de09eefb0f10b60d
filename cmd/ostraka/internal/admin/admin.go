package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

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

// call has the coordinator that leads do something of Oxia's administration.
func (t *Target) call(ctx context.Context, do func(context.Context, api.OxiaAdminClient) error) error {
	return t.reach(ctx, callTimeout, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		return do(ctx, api.NewOxiaAdminClient(conn))
	})
}

// operate has the coordinator that leads do something of ours, within a time; 0 is no
// limit.
func (t *Target) operate(ctx context.Context, within time.Duration, do func(context.Context, api.OstrakaAdminClient) error) error {
	return t.reach(ctx, within, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		return do(ctx, api.NewOstrakaAdminClient(conn))
	})
}

// reach turns to the target, and on to the coordinator that leads.
func (t *Target) reach(ctx context.Context, within time.Duration, do func(context.Context, grpc.ClientConnInterface) error) error {
	if err := t.Check(); err != nil {
		return err
	}
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	address := t.address
	for redirects := 0; ; redirects++ {
		conn, err := dial.New(address, &t.token)
		if err != nil {
			return err
		}
		err = do(ctx, conn)
		conn.Close()
		if leader := redirect(err); leader != "" && leader != address && redirects < maxRedirects {
			address = leader
			continue
		}
		return dial.Explain(err, address, "the public port of a coordinator, which --admin-address should name")
	}
}

// at is the same target at another address.
func (t *Target) at(address string) *Target {
	other := *t
	other.address = address
	return &other
}

// redirect returns who leads, if an error says so.
func redirect(err error) string {
	_, metadata := api.ReasonOf(err)
	return metadata[api.MetadataCoordinatorLeader]
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

  status       how all of it is: coordinators, servers, shards, and what is amiss
  dataserver   the servers: add, remove, drain
  namespace    the namespaces: create, change, delete
  shard        single shards: move, transfer, elect, verify, recover
  balance      what the balancer would do next

A coordinator that does not lead names the one that does, and the command turns to it.`,
	})
	cmd.AddCommand(statusCommand(target), serverCommand(target), namespaceCommand(target), shardCommand(target), balanceCommand(target))
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
