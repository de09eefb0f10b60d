package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

const (
	defaultAddress = "localhost:6648"
	// reachTimeout bounds how long a command waits for a server to accept it.
	reachTimeout = 5 * time.Second
)

// Connection is how the commands reach a service, and how they print what it says.
type Connection struct {
	address, namespace string
	timeout            time.Duration
	token              dial.Token
	format             string
	// Options are further options of the client.
	Options []client.Option

	keep   bool
	shared *client.Client
}

// NewConnection returns one with the defaults. With keep, commands share one client,
// until Close.
func NewConnection(keep bool) *Connection {
	return &Connection{
		address: defaultAddress, namespace: api.DefaultNamespace, timeout: api.DefaultRequestTimeout,
		format: string(output.Table), keep: keep,
	}
}

// Define adds the flags that say where the service is.
func (c *Connection) Define(set *pflag.FlagSet) {
	set.StringVarP(&c.address, "service-address", "a", c.address, "public address of any server of the cluster")
	set.StringVarP(&c.namespace, "namespace", "n", c.namespace, "namespace of the records")
	set.DurationVar(&c.timeout, "request-timeout", c.timeout, "how long an operation may take, retries included")
	c.token.Define(set)
}

// DefineOutput adds the flag that says how to print.
func (c *Connection) DefineOutput(set *pflag.FlagSet) {
	set.StringVarP(&c.format, "output", "o", c.format, "what to print: table, json (an object on a line for each item), yaml")
}

// Address returns where the service is, by the flags.
func (c *Connection) Address() string { return c.address }

// Namespace returns the namespace of the records, by the flags.
func (c *Connection) Namespace() string { return c.namespace }

// Timeout returns how long an operation may take, by the flags.
func (c *Connection) Timeout() time.Duration { return c.timeout }

// Format returns the chosen output.
func (c *Connection) Format() output.Format { return output.Format(c.format) }

// SetFormat chooses the output.
func (c *Connection) SetFormat(format output.Format) { c.format = string(format) }

// Check returns what is wrong with the flags.
func (c *Connection) Check() error {
	if err := dial.CheckAddress("service-address", c.address); err != nil {
		return err
	}
	if c.namespace == "" {
		return exit.Usage("namespace", `""`, "name a namespace, or leave the flag out for "+api.DefaultNamespace)
	}
	if c.timeout <= 0 {
		return exit.Usage("request-timeout", c.timeout, "give a duration above 0, such as 30s")
	}
	if _, err := output.ParseFormat(c.format); err != nil {
		return exit.Usage("output", c.format, err.Error())
	}
	return c.token.Check()
}

// Open returns a client, which the caller closes.
func (c *Connection) Open(ctx context.Context, options ...client.Option) (*client.Client, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	options = append([]client.Option{client.WithNamespace(c.namespace), client.WithRequestTimeout(c.timeout)}, options...)
	if c.token.Set() {
		options = append(options, client.WithToken(c.token.Read))
	}
	opened, err := client.New(ctx, c.address, append(options, c.Options...)...)
	return opened, c.explain(err)
}

// reach returns an error if nobody listens at the address. The client would go on
// trying, as is right for a program that lives long; somebody at a terminal wants to
// know at once.
func (c *Connection) reach(ctx context.Context) error {
	dialer := net.Dialer{Timeout: min(reachTimeout, c.timeout)}
	_, address, isTLS := strings.Cut(c.address, "tls://")
	if !isTLS {
		address = c.address
	}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		return conn.Close()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("cannot reach %s (%w): is a server up there? --service-address names another; ostraka standalone starts one", c.address, err)
}

// Close closes the shared client, if there is one.
func (c *Connection) Close() error {
	if c.shared == nil {
		return nil
	}
	err := c.shared.Close()
	c.shared = nil
	return err
}

// use has a command work with a client.
func (c *Connection) use(cmd *cobra.Command, do func(context.Context, *client.Client) error) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	used := c.shared
	if used == nil {
		if used, err = c.Open(cmd.Context()); err != nil {
			return err
		}
		if c.keep {
			c.shared = used
		} else {
			defer func() { err = errors.Join(err, c.explain(used.Close())) }()
		}
	}
	return c.explain(do(cmd.Context(), used))
}

// printer returns what prints items of one kind.
func (c *Connection) printer(w io.Writer, columns ...string) *output.Printer {
	return output.NewPrinter(w, c.Format(), columns...)
}

// printOne prints one item.
func printOne(p *output.Printer, item output.Item) error {
	if err := p.Print(item); err != nil {
		return err
	}
	return p.Flush()
}

// Command returns ostraka client.
func Command() *cobra.Command {
	connection := NewConnection(false)
	cmd := arguments.Group(&cobra.Command{
		Use:   "client",
		Short: "Read and write records",
		Long: `Reads and writes records of a service.

Values are bytes. They are printed and given as they are, or with --encoding as
hexadecimal digits or base64. In JSON and YAML a value that is not text is base64, and
"encoding" beside it says so.`,
		Example: `  ostraka client put config/limit 10
  ostraka client get config/limit
  ostraka client put config/limit 11 --expected-version 0
  ostraka client range-scan --key-min config/ --key-max config//`,
	})
	connection.Define(cmd.PersistentFlags())
	connection.DefineOutput(cmd.PersistentFlags())
	cmd.AddCommand(Commands(connection)...)
	return cmd
}

// Commands returns the commands themselves.
func Commands(c *Connection) []*cobra.Command {
	return []*cobra.Command{
		c.put(), c.get(), c.delete(), c.deleteRange(), c.list(), c.rangeScan(),
		c.notifications(), c.sequenceUpdates(), c.session(), c.transaction(),
	}
}
