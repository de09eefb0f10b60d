package health

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// Command returns the command.
func Command() *cobra.Command {
	var host, service string
	var port int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server or coordinator how it is",
		Long: `Asks a process by the standard gRPC health service, and prints its answer. The exit
code is 0 if it is SERVING and 1 otherwise, also if there is no answer, so that the
command serves as a probe.

The default service tells whether the process is alive. The service oxia-readiness
tells whether it knows its cluster and can serve clients.`,
		Example: `  ostraka health
  ostraka health --host db-1 --port 6649 --service oxia-readiness --timeout 2s
  ostraka health --port 6651       # a coordinator`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port < 1 || port > 65535 {
				return exit.Usage("port", port, "give a number from 1 to 65535")
			}
			if timeout <= 0 {
				return exit.Usage("timeout", timeout, "give a duration above 0, such as 10s")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			state, err := ask(ctx, net.JoinHostPort(host, strconv.Itoa(port)), service)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), state)
			if state != healthpb.HealthCheckResponse_SERVING {
				return fmt.Errorf("%s:%d does not serve", host, port)
			}
			return nil
		},
	}
	set := cmd.Flags()
	set.StringVar(&host, "host", "localhost", "where the process runs")
	set.IntVar(&port, "port", 6649, "its internal port, or a public one")
	set.StringVar(&service, "service", "", "what to ask about: empty for the process itself, oxia-readiness for its service")
	set.DurationVar(&timeout, "timeout", 10*time.Second, "how long to wait for an answer")
	return cmd
}

func ask(ctx context.Context, address, service string) (healthpb.HealthCheckResponse_ServingStatus, error) {
	conn, err := dial.New(address, nil)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	if status.Code(err) == codes.NotFound {
		return 0, exit.With(exit.Failed, fmt.Errorf("%s knows no service %q: leave --service out, or give oxia-readiness", address, service))
	}
	if err != nil {
		return 0, dial.Explain(err, address, "the port that --port should name")
	}
	return answer.GetStatus(), nil
}
