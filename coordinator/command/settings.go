package command

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/coordinator/config"
)

// The providers of metadata that this release has.
const (
	providerFile       = "file"
	providerMemory     = "memory"
	providerRaft       = "raft"
	providerKubernetes = "configmap"
	// kubernetesToo is what some call it.
	kubernetesToo = "kubernetes"
)

// settings are what a coordinator's process is run with.
type settings struct {
	file string

	name, address             string
	public, internal, metrics string
	provider                  string
	statusPath, configPath    string
	kubernetes                KubernetesSettings
	raft                      raftSettings
	logLevel                  string
	logJSON                   bool
	profile                   bool
	profileAddress            string
}

// tlsFlags are refused with each of these prefixes.
var (
	tlsPrefixes = []string{"", "peer-", "internal-"}
	tlsFlags    = []string{
		"tls-cert-file", "tls-key-file", "tls-min-version", "tls-max-version", "tls-trusted-ca-file",
		"tls-insecure-skip-verify", "tls-client-auth", "tls-server-name",
	}
)

const tlsReason = "TLS is not supported yet: keep the ports in a network that is trusted"

// register adds the flags, with the defaults. Those for what a program cannot do are
// hidden.
func (s *settings) register(flags *pflag.FlagSet, p program) {
	flags.StringVar(&s.file, "sconfig", "", "file with settings (YAML); flags that are given come before it")
	flags.StringVar(&s.name, "name", "", "this coordinator's name among all of the cluster (default: host name and public port)")
	flags.StringVar(&s.address, "advertised-addr", "", "host:port where admins reach this coordinator (default: host name and public port)")
	flags.StringVarP(&s.public, "public-addr", "p", "0.0.0.0:6651", "where to serve administration, host:port")
	flags.StringVarP(&s.internal, "internal-addr", "i", "0.0.0.0:6649", "where to serve health, host:port")
	flags.StringVarP(&s.metrics, "metrics-addr", "m", "0.0.0.0:8080", "where to serve /metrics, /livez and /readyz, host:port; empty for nowhere")
	flags.StringVar(&s.provider, "metadata", providerFile, "where coordinators keep the cluster's status: "+p.providers())
	flags.StringVar(&s.statusPath, "file-clusters-status-path", "data/cluster-status.json", "the file of the cluster's status, for --metadata file")
	flags.StringVar(&s.configPath, "cluster-config", "cluster.yaml", "the cluster configuration file, which is followed")
	flags.StringVar(&s.configPath, "cconfig", "cluster.yaml", "the cluster configuration file")
	flags.StringVarP(&s.configPath, "conf", "f", "cluster.yaml", "the cluster configuration file")
	s.registerKubernetes(flags, p)
	s.registerRaft(flags)
	flags.StringVarP(&s.logLevel, "log-level", "l", "info", "debug, info, warn or error")
	flags.BoolVarP(&s.logJSON, "log-json", "j", false, "log JSON")
	flags.BoolVar(&s.profile, "profile", false, "serve /debug/pprof")
	flags.StringVar(&s.profileAddress, "profile-bind-address", "127.0.0.1:6060", "where to serve /debug/pprof")
	for _, old := range []string{"cconfig", "conf"} {
		_ = flags.MarkDeprecated(old, "use --cluster-config") // it was just added
	}
	for _, prefix := range tlsPrefixes {
		for _, name := range tlsFlags {
			hide(flags, prefix+name)
		}
	}
}

// hide adds a flag that check refuses, whatever it is given.
func hide(flags *pflag.FlagSet, name string) {
	if strings.HasSuffix(name, "-skip-verify") || strings.HasSuffix(name, "-client-auth") {
		flags.Bool(name, false, "")
	} else {
		flags.String(name, "", "")
	}
	flags.Lookup(name).Hidden = true
}

// check reads the settings' file, and returns everything that is wrong for what a
// program can do.
func (s *settings) check(flags *pflag.FlagSet, p program) error {
	var errs []error
	flags.Visit(func(f *pflag.Flag) {
		if strings.Contains(f.Name, "tls-") {
			errs = append(errs, fmt.Errorf("--%s: %s", f.Name, tlsReason))
		}
	})
	if s.file != "" {
		errs = append(errs, s.readFile(flags))
	}
	for _, a := range []struct{ flag, value string }{
		{"public-addr", s.public}, {"internal-addr", s.internal}, {"metrics-addr", s.metrics}, {"profile-bind-address", s.profileAddress},
	} {
		if _, _, err := net.SplitHostPort(a.value); err != nil && (a.value != "" || a.flag != "metrics-addr") {
			errs = append(errs, fmt.Errorf("--%s is %q: must be host:port", a.flag, a.value))
		}
	}
	switch s.provider {
	case providerFile, providerMemory:
	case providerKubernetes, kubernetesToo:
		s.provider = providerKubernetes
		errs = append(errs, s.checkKubernetes(p))
	case providerRaft:
		errs = append(errs, s.checkRaft())
	default:
		errs = append(errs, fmt.Errorf("--metadata is %q: must be %s", s.provider, p.providers()))
	}
	if name, in := strings.CutPrefix(s.configPath, "configmap:"); in {
		errs = append(errs, fmt.Errorf("--cluster-config is %s: name the ConfigMap by --k8s-config-name %s, and its namespace by --k8s-namespace",
			s.configPath, name[strings.LastIndexAny(name, "/:")+1:]))
	}
	if s.name != "" {
		if problem := config.NameProblem(s.name); problem != "" {
			errs = append(errs, fmt.Errorf("--name %s", problem))
		}
	}
	if s.address != "" {
		if problem := config.AddressProblem(s.address); problem != "" {
			errs = append(errs, fmt.Errorf("--advertised-addr %s", problem))
		}
	}
	return errors.Join(errs...)
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_\-.]+`)

// identity returns the coordinator's name and address, of which those that are not set
// come from the host's name and the port that it listens on.
func (s *settings) identity(public string) (name, address string, err error) {
	_, port, err := net.SplitHostPort(public)
	if err != nil {
		return "", "", fmt.Errorf("find out this coordinator's address: %w", err)
	}
	host, _, err := net.SplitHostPort(s.public)
	if err != nil {
		return "", "", fmt.Errorf("find out this coordinator's address: %w", err)
	}
	machine, err := os.Hostname()
	if err != nil {
		return "", "", fmt.Errorf("find out this host's name: %w; set --name and --advertised-addr", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = machine
	}
	name, address = s.name, s.address
	if name == "" {
		name = strings.Trim(notInNames.ReplaceAllString(machine, "-"), "-.") + "-" + port
	}
	if address == "" {
		address = net.JoinHostPort(host, port)
	}
	return name, address, nil
}

// makeStatusDirectory makes the directory of the default path: no other is the
// process's to make.
func (s *settings) makeStatusDirectory(flags *pflag.FlagSet) error {
	if s.provider != providerFile || s.statusPath != flags.Lookup("file-clusters-status-path").DefValue {
		return nil
	}
	return os.MkdirAll(filepath.Dir(s.statusPath), 0o755)
}
