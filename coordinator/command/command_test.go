package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

const clusterYAML = `servers:
- {name: s1, public: "127.0.0.1:1", internal: "127.0.0.1:2"}
namespaces:
- {name: default, initialShardCount: 1, replicationFactor: 1}
`

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every wrong flag or line is named, with what to do, before anything is begun.
func TestWhatIsRefused(t *testing.T) {
	good := writeFile(t, "cluster.yaml", clusterYAML)
	file := func(text string) []string {
		return []string{"--cluster-config", good, "--sconfig", writeFile(t, "coordinator.yaml", text)}
	}
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"argument", []string{"extra"}, `unknown command "extra"`},
		{"unknown flag", []string{"--shards", "3"}, "unknown flag: --shards"},
		{"kubernetes without a name", []string{"--metadata", "configmap"}, "--k8s-configmap-name is not set: name the ConfigMap"},
		{"no objects", []string{"--metadata", "kubernetes", "--k8s-configmap-name", "s", "--k8s-status-objects", "0"}, "--k8s-status-objects is 0"},
		{"older name of a ConfigMap", []string{"-f", "configmap:ns/conf"}, "name the ConfigMap by --k8s-config-name conf"},
		{"raft without members", []string{"--metadata", "raft", "--raft-address", "x:1"}, "--raft-bootstrap-nodes is not set: name the --raft-address"},
		{"raft with an even number", []string{"--metadata", "raft", "--raft-bootstrap-nodes", "a:1,b:1"}, "there are 2 bootstrap nodes: name 1, 3, 5"},
		{"raft as another", []string{"--metadata", "raft", "--raft-bootstrap-nodes", "a:1", "--raft-address", "b:1"}, `--raft-address is "b:1": must be one of`},
		{"raft bound nowhere", []string{"--metadata", "raft", "--raft-bootstrap-nodes", "a:1", "--raft-address", "a:1", "--raft-bind-address", "x"}, `--raft-bind-address is "x"`},
		{"raft without a directory", []string{"--metadata", "raft", "--raft-bootstrap-nodes", "a:1", "--raft-address", "a:1", "--raft-data-dir="}, "--raft-data-dir is empty"},
		{"tls", []string{"--tls-cert-file", "x"}, "--tls-cert-file: TLS is not supported yet"},
		{"tls to servers", []string{"--peer-tls-insecure-skip-verify"}, "--peer-tls-insecure-skip-verify: TLS is not supported yet"},
		{"unknown provider", []string{"--metadata", "disk"}, `--metadata is "disk": must be file, raft, configmap or memory`},
		{"address", []string{"-p", "6651"}, `--public-addr is "6651": must be host:port`},
		{"name", []string{"--name", "a/b"}, `--name is "a/b": must begin with`},
		{"advertised address", []string{"--advertised-addr", "x"}, `--advertised-addr is "x": must be host:port`},
		{"log level", []string{"-l", "loud", "--cluster-config", good}, `the log level is "loud": must be`},
		{"no cluster configuration", []string{"--cluster-config", "/no/such/file"}, "read the cluster configuration: open /no/such/file"},
		{"wrong cluster configuration", []string{"--cluster-config", writeFile(t, "c.yaml", "shards: 1\n")}, "c.yaml:1: shards: unknown key"},
		{"no settings' file", []string{"--sconfig", "/no/such/file"}, "--sconfig: open /no/such/file"},
		{"unknown setting", file("server:\n  publik: {}\n"), "line 2: field publik not found"},
		{"setting of a wrong type", file("server: 3\n"), "--sconfig:"},
		{"tls in the file", file("server:\n  public:\n    tls: {enabled: true}\n"), "coordinator.yaml:3: server.public.tls: TLS is not supported yet"},
		{"unknown setting of kubernetes", file("metadata:\n  kubernetes: {name: x}\n"), "line 2: field name not found"},
		{"provider in the file", file("metadata: {providerName: raft}\n"), "--raft-bootstrap-nodes is not set"},
		{"several", []string{"-p", "x", "-i", "y"}, "--internal-addr is \"y\""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := run(t.Context(), c.args, &stderr, With(noKubernetes)); code != exitUsage || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d, and told %q, want %q", code, stderr.String(), c.want)
			}
		})
	}
}

// noKubernetes is a Kubernetes that is not there.
func noKubernetes(context.Context, KubernetesSettings, *slog.Logger) (metadata.Provider, config.Source, error) {
	return nil, nil, errors.New("there is no API server")
}

// A program without Kubernetes shows none of its flags, and says who has it; one with it
// hands on what it is told.
func TestKubernetesIsForProgramsThatHaveIt(t *testing.T) {
	var stderr bytes.Buffer
	args := []string{"--metadata", "configmap", "--k8s-configmap-name", "s", "--k8s-namespace", "n", "--k8s-config-name", "c"}
	if code := run(t.Context(), args, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "which this program has not: run the program coordinator") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	for _, name := range kubernetesFlags {
		if !New().Flags().Lookup(name).Hidden || New(With(noKubernetes)).Flags().Lookup(name).Hidden {
			t.Errorf("--%s is hidden, or is not, in the wrong program", name)
		}
	}
	var told KubernetesSettings
	code := run(t.Context(), args, &stderr, With(func(_ context.Context, k KubernetesSettings, _ *slog.Logger) (metadata.Provider, config.Source, error) {
		told = k
		return nil, nil, errors.New("there is no API server")
	}))
	if want := (KubernetesSettings{Namespace: "n", Status: "s", Objects: 8, Config: "c"}); code != exitFailed || told != want {
		t.Errorf("exit code %d, told %+v", code, told)
	}
}

func TestFlagsComeBeforeTheFile(t *testing.T) {
	path := writeFile(t, "coordinator.yaml", `
server:
  public: {bindAddress: "127.0.0.1:1", tls: {enabled: false}}
  internal: {bindAddress: "127.0.0.1:2"}
metadata:
  name: from-file
  providerName: memory
  file: {dir: /d, statusName: s.json, configName: c.yaml}
  raft: {bootstrapNodes: ["a:1", "b:1", "c:1"], address: "a:1", bindAddress: ":1", dataDir: /r}
  kubernetes: {namespace: n, configMapName: old, statusName: s, configName: c, statusObjects: 4, kubeconfig: k}
observability:
  metric: {enabled: false}
  log: {level: debug}
`)
	for _, c := range []struct {
		args []string
		want settings
	}{
		{nil, settings{
			public: "127.0.0.1:1", internal: "127.0.0.1:2", name: "from-file", provider: "memory",
			statusPath: "/d/s.json", configPath: "/d/c.yaml", metrics: "", logLevel: "debug",
			kubernetes: KubernetesSettings{Kubeconfig: "k", Namespace: "n", Status: "s", Objects: 4, Config: "c"},
			raft:       raftSettings{nodes: []string{"a:1", "b:1", "c:1"}, address: "a:1", bind: ":1", dir: "/r"},
		}},
		{[]string{"-p", "127.0.0.1:9", "--name", "n", "--metadata", "file", "-f", "mine.yaml", "-m", "127.0.0.1:8", "-l", "warn",
			"--k8s-namespace", "N", "--k8s-configmap-name", "S", "--k8s-status-objects", "2", "--k8s-config-name", "C", "--kubeconfig", "K",
			"--raft-bootstrap-nodes", "x:1", "--raft-address", "x:1", "--raft-bind-address", "y:1", "--raft-data-dir", "d"}, settings{
			public: "127.0.0.1:9", internal: "127.0.0.1:2", name: "n", provider: "file",
			statusPath: "/d/s.json", configPath: "mine.yaml", metrics: "127.0.0.1:8", logLevel: "warn",
			kubernetes: KubernetesSettings{Kubeconfig: "K", Namespace: "N", Status: "S", Objects: 2, Config: "C"},
			raft:       raftSettings{nodes: []string{"x:1"}, address: "x:1", bind: "y:1", dir: "d"},
		}},
	} {
		got := parsed(t, append(c.args, "--sconfig", path))
		c.want.file, c.want.profileAddress = path, "127.0.0.1:6060"
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: settings %+v, want %+v", c.args, got, c.want)
		}
	}
}

// lines gives a process's log to a test, line by line.
func lines(t *testing.T) (io.Writer, <-chan map[string]any) {
	read, write := io.Pipe()
	told := make(chan map[string]any, 1024)
	go func() {
		defer close(told)
		scanner := bufio.NewScanner(read)
		for scanner.Scan() {
			var line map[string]any
			if json.Unmarshal(scanner.Bytes(), &line) == nil {
				told <- line
			}
		}
	}()
	t.Cleanup(func() { _ = write.Close() })
	return write, told
}

func await(t *testing.T, told <-chan map[string]any, message string) map[string]any {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		select {
		case line, open := <-told:
			if !open {
				t.Fatalf("the process ended without %q", message)
			}
			if line["msg"] == message {
				return line
			}
		case <-patience:
			t.Fatalf("no %q", message)
		}
	}
}

func TestProcessServesAndHandsOver(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cluster.yaml"), []byte(clusterYAML), 0o644); err != nil {
		t.Fatal(err)
	}
	start := func(name string) (<-chan map[string]any, context.CancelFunc, <-chan int) {
		log, told := lines(t)
		ctx, cancel := context.WithCancel(context.Background())
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, []string{
				"--name", name, "-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "127.0.0.1:0", "-j",
				"--cluster-config", filepath.Join(dir, "cluster.yaml"), "--file-clusters-status-path", filepath.Join(dir, "status.json"),
			}, log)
		}()
		return told, cancel, code
	}
	told, stop, code := start("a")
	defer stop()
	address, _ := await(t, told, "coordinator started")["public"].(string)
	await(t, told, "cluster changed")

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := api.NewOxiaAdminClient(conn)
	wanted := &api.Namespace{Name: "more", InitialShardCount: 2, ReplicationFactor: 1, KeySorting: "natural"}
	if _, err := client.CreateNamespace(t.Context(), &api.CreateNamespaceRequest{Namespace: wanted}); err != nil {
		if reason, _ := api.ReasonOf(err); reason != api.ReasonNotInitialized {
			t.Fatal(err)
		}
	}
	// The next one takes over as soon as this one lets go.
	told2, stop2, code2 := start("b")
	defer stop2()
	await(t, told2, "coordinator started")
	stop()
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d", c)
	}
	released := time.Now()
	await(t, told2, "leads the cluster's coordinators")
	if took := time.Since(released); took > time.Second {
		t.Errorf("took over after %v, though the lease was released", took)
	}
	stop2()
	if c := <-code2; c != exitDone {
		t.Errorf("exit code %d", c)
	}
	if _, err := os.Stat(filepath.Join(dir, "status.json")); err != nil {
		t.Error(err)
	}
}

// A status that is damaged stops the process, lest it make a new cluster of the old
// one's servers.
func TestDamagedStatusStopsTheProcess(t *testing.T) {
	status := writeFile(t, "status.json", `{"format":1,"documents":{`)
	var stderr bytes.Buffer
	code := run(t.Context(), []string{
		"-p", "127.0.0.1:0", "-i", "127.0.0.1:0", "-m", "127.0.0.1:0",
		"--cluster-config", writeFile(t, "cluster.yaml", clusterYAML), "--file-clusters-status-path", status,
	}, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), status+" is refused") || !strings.Contains(stderr.String(), "Restore the file from a copy") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
