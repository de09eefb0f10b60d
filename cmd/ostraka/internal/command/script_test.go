package command

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/standalone"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/words"
)

// TestScripts runs command lines and holds what they print, and their exit codes,
// against golden texts.
//
//	run
//	admin namespace get
//	----
//
// Each line is a command line, as a shell would split it. The directive stdin
// gives all but its first line to the command of the first, shell all its lines to
// ostraka shell. The words ADMIN and
// FOLLOWER stand for the addresses of two coordinators, of which only the first leads,
// HOST and PORT for the parts of the first, SERVICE for the address of a service, and
// NOBODY for one at which nobody listens. What clocks say is printed as MOMENT.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		places := newPlaces(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "run":
			case "stdin":
				line, input, _ := strings.Cut(d.Input, "\n")
				return places.run(t, line, input)
			case "shell":
				return places.run(t, "shell --admin-address ADMIN --service-address SERVICE", d.Input)
			default:
				d.Fatalf(t, "no such directive: %s", d.Cmd)
			}
			var text strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				if strings.Count(d.Input, "\n") > 0 {
					fmt.Fprintf(&text, "> %s\n", line)
				}
				text.WriteString(places.run(t, line, ""))
			}
			return text.String()
		})
	})
}

// places are the addresses that scripts speak of, and the cluster that is at ADMIN.
type places struct {
	to, from *strings.Replacer
	cluster  *fakeCluster
}

// moments are what clocks say, MOMENT what is printed in their place: as long, so that
// tables keep their shape.
var moments = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z`)

const moment = "---------MOMENT---------"

func newPlaces(t *testing.T) places {
	t.Helper()
	var cluster *fakeCluster
	leader := serve(t, func(s *grpc.Server, address string) {
		cluster = newFakeCluster(address)
		api.RegisterOxiaAdminServer(s, newFakeAdmin())
		api.RegisterOstrakaAdminServer(s, cluster)
		state := health.NewServer()
		state.SetServingStatus("oxia-readiness", healthpb.HealthCheckResponse_NOT_SERVING)
		healthpb.RegisterHealthServer(s, state)
	})
	follower := serve(t, func(s *grpc.Server, _ string) {
		api.RegisterOxiaAdminServer(s, &deposedAdmin{leader: leader})
		api.RegisterOstrakaAdminServer(s, &deposedAdmin{leader: leader})
	})
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	service, err := standalone.Start(t.Context(), standalone.Options{
		PublicAddress: "127.0.0.1:0", InMemory: true, Shards: 3, KeySorting: api.KeySortingHierarchical,
		Notifications: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	host, port, err := net.SplitHostPort(leader)
	if err != nil {
		t.Fatal(err)
	}
	return places{
		to:      strings.NewReplacer("ADMIN", leader, "FOLLOWER", follower, "NOBODY", nobody.Addr().String(), "HOST", host, "PORT", port, "SERVICE", service.PublicAddress()),
		cluster: cluster,
		from:    strings.NewReplacer(leader, "ADMIN", follower, "FOLLOWER", nobody.Addr().String(), "NOBODY", service.PublicAddress(), "SERVICE"),
	}
}

// serve runs a server on loopback until the test ends, and returns its address.
func serve(t *testing.T, register func(s *grpc.Server, address string)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server, listener.Addr().String())
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// run runs one command line and returns what it printed: first its output, then its
// errors, then its exit code unless that is 0.
func (p places) run(t *testing.T, line, input string) string {
	t.Helper()
	args, err := words.Split(p.to.Replace(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var out, errs bytes.Buffer
	code := Run(context.Background(), args, Streams{In: strings.NewReader(p.to.Replace(input)), Out: &out, Err: &errs})
	text := out.String() + errs.String()
	if code != exit.OK {
		text += fmt.Sprintf("exit code %d\n", code)
	}
	return moments.ReplaceAllString(p.from.Replace(text), moment)
}
