package status

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// server is a data server as it is printed.
type server struct {
	Name     string    `json:"server"`
	Version  string    `json:"version"`
	Started  string    `json:"started"`
	Draining bool      `json:"draining"`
	Replicas []replica `json:"replicas"`
}

// Row makes a server an item; a table has a row for each replica instead.
func (s server) Row() []string { return []string{s.Name, s.Version} }

// replica is one replica as it is printed.
type replica struct {
	Shard     int64    `json:"shard"`
	Namespace string   `json:"namespace"`
	ID        int64    `json:"replica"`
	Role      string   `json:"role"`
	Term      int64    `json:"term"`
	Serving   bool     `json:"serving"`
	Damaged   bool     `json:"damaged"`
	Head      int64    `json:"headOffset"`
	Commit    int64    `json:"commitOffset"`
	Applied   int64    `json:"appliedOffset"`
	Leader    string   `json:"leader,omitempty"`
	Members   []member `json:"members,omitempty"`
}

// member is another replica of the shard, as its leader sees it.
type member struct {
	Server    string `json:"server"`
	ID        int64  `json:"replica"`
	Learner   bool   `json:"learner"`
	Reachable bool   `json:"reachable"`
	Acked     int64  `json:"ackedOffset"`
}

var columns = []string{"SHARD", "NAMESPACE", "ROLE", "TERM", "HEAD", "COMMIT", "APPLIED", "LEADER", "MEMBERS", "STATE"}

func (r replica) Row() []string {
	state := "ok"
	switch {
	case r.Damaged:
		state = "damaged"
	case r.Role == "leader" && !r.Serving:
		state = "not serving"
	}
	var members []string
	for _, m := range r.Members {
		text := fmt.Sprintf("%s@%d", m.Server, m.Acked)
		if !m.Reachable {
			text += "(unreachable)"
		}
		members = append(members, text)
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		number(r.Shard), orNone(r.Namespace), orNone(r.Role), number(r.Term), number(r.Head), number(r.Commit), number(r.Applied),
		orNone(r.Leader), orNone(strings.Join(members, ",")), state,
	}
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// Command returns the command.
func Command() *cobra.Command {
	var address, format string
	var timeout time.Duration
	var token dial.Token
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Look inside a data server",
		Long: `Shows the replicas that one data server holds: their roles and terms, how far their logs
are written, committed and applied, and of leaders how far the other members are.`,
		Example: `  ostraka status
  ostraka status --service-address db-2:6648 -o json`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := dial.CheckAddress("service-address", address); err != nil {
				return err
			}
			if timeout <= 0 {
				return exit.Usage("timeout", timeout, "give a duration above 0, such as 10s")
			}
			chosen, err := output.ParseFormat(format)
			if err != nil {
				return exit.Usage("output", format, err.Error())
			}
			if err := token.Check(); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			answer, err := ask(ctx, address, &token)
			if err != nil {
				return err
			}
			return show(cmd, chosen, answer)
		},
	}
	set := cmd.Flags()
	set.StringVarP(&address, "service-address", "a", "localhost:6648", "public address of the server")
	set.DurationVar(&timeout, "timeout", 10*time.Second, "how long to wait for an answer")
	set.StringVarP(&format, "output", "o", string(output.Table), "what to print: table, json, yaml")
	token.Define(set)
	return cmd
}

func ask(ctx context.Context, address string, token *dial.Token) (*api.GetServerStatusResponse, error) {
	conn, err := dial.New(address, token)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answer, err := api.NewOstrakaClient(conn).GetServerStatus(ctx, &api.GetServerStatusRequest{})
	return answer, dial.Explain(err, address, "the public port of a data server, which --service-address should name")
}

func show(cmd *cobra.Command, format output.Format, answer *api.GetServerStatusResponse) error {
	s := serverOf(answer)
	if format != output.Table {
		return output.NewPrinter(cmd.OutOrStdout(), format).Print(s)
	}
	draining := ""
	if s.Draining {
		draining = ", draining"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "server %s, %s, up since %s%s\n\n", orNone(s.Name), orNone(s.Version), s.Started, draining)
	p := output.NewPrinter(cmd.OutOrStdout(), format, columns...)
	for _, r := range s.Replicas {
		if err := p.Print(r); err != nil {
			return err
		}
	}
	return p.Flush()
}

func serverOf(answer *api.GetServerStatusResponse) server {
	s := server{
		Name: answer.GetServer(), Version: answer.GetVersion(), Draining: answer.GetDraining(),
		Started:  time.UnixMilli(answer.GetStartedUnixMs()).UTC().Format("2006-01-02T15:04:05.000Z"),
		Replicas: []replica{},
	}
	for _, told := range answer.GetReplicas() {
		r := replica{
			Shard: told.GetShard(), Namespace: told.GetNamespace(), ID: told.GetReplica(), Term: told.GetTerm(),
			Role:    strings.ToLower(strings.TrimPrefix(told.GetRole().String(), "REPLICA_ROLE_")),
			Serving: told.GetServing(), Damaged: told.GetDamaged(),
			Head: told.GetHeadOffset(), Commit: told.GetCommitOffset(), Applied: told.GetAppliedOffset(), Leader: told.GetLeader(),
		}
		for _, m := range told.GetMembers() {
			r.Members = append(r.Members, member{
				Server: m.GetServer(), ID: m.GetReplica(), Learner: m.GetLearner(), Reachable: m.GetReachable(), Acked: m.GetAckedOffset(),
			})
		}
		s.Replicas = append(s.Replicas, r)
	}
	return s
}
