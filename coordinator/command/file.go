package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/ostraka-db/ostraka/internal/filewatch"
	"github.com/ostraka-db/ostraka/internal/process"
)

// fileSettings is the file of --sconfig. What is nil is not in it.
type fileSettings struct {
	Server struct {
		Public   bindSettings `yaml:"public"`
		Internal bindSettings `yaml:"internal"`
	} `yaml:"server"`
	Controller struct {
		TLS *part `yaml:"tls"`
	} `yaml:"controller"`
	Metadata struct {
		// Name is the coordinator's.
		Name         *string `yaml:"name"`
		ProviderName *string `yaml:"providerName"`
		Kubernetes   struct {
			Namespace  *string `yaml:"namespace"`
			StatusName *string `yaml:"statusName"`
			ConfigName *string `yaml:"configName"`
			// ConfigMapName is an older way to name the status.
			ConfigMapName *string `yaml:"configMapName"`
			StatusObjects *int    `yaml:"statusObjects"`
			Kubeconfig    *string `yaml:"kubeconfig"`
		} `yaml:"kubernetes"`
		Raft struct {
			BootstrapNodes []string `yaml:"bootstrapNodes"`
			Address        *string  `yaml:"address"`
			BindAddress    *string  `yaml:"bindAddress"`
			DataDir        *string  `yaml:"dataDir"`
		} `yaml:"raft"`
		File struct {
			Dir        *string `yaml:"dir"`
			StatusName *string `yaml:"statusName"`
			ConfigName *string `yaml:"configName"`
			// Path is an older way to name the status.
			Path *string `yaml:"path"`
		} `yaml:"file"`
	} `yaml:"metadata"`
	Cluster struct {
		// ConfigPath is an older way to name the cluster configuration.
		ConfigPath *string `yaml:"configPath"`
	} `yaml:"cluster"`
	Observability struct {
		Metric struct {
			Enabled     *bool   `yaml:"enabled"`
			BindAddress *string `yaml:"bindAddress"`
			TLS         *part   `yaml:"tls"`
		} `yaml:"metric"`
		Log struct {
			Level *string `yaml:"level"`
		} `yaml:"log"`
	} `yaml:"observability"`
}

type bindSettings struct {
	BindAddress *string `yaml:"bindAddress"`
	Auth        *part   `yaml:"auth"`
	TLS         *part   `yaml:"tls"`
}

// part is a part of the file that is not read, but for whether it is switched off.
type part struct {
	line int
	off  bool
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *part) UnmarshalYAML(node *yaml.Node) error {
	p.line = node.Line
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == "enabled" && node.Content[i+1].Value == "false" {
			p.off = true
		}
	}
	return nil
}

// maxSettingsBytes bounds the file.
const maxSettingsBytes = 1 << 20

// readFile takes the settings of the file for which no flag was given.
func (s *settings) readFile(flags *pflag.FlagSet) error {
	file, err := parseFile(s.file)
	if err != nil {
		return err
	}
	s.take(flags, file)
	return nil
}

// parseFile reads a file of settings.
func parseFile(path string) (*fileSettings, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--sconfig: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxSettingsBytes+1))
	if err != nil {
		return nil, fmt.Errorf("--sconfig: %w", err)
	}
	if len(text) > maxSettingsBytes {
		return nil, fmt.Errorf("--sconfig: %s has more than %d bytes: is this the right file?", path, maxSettingsBytes)
	}
	file := &fileSettings{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--sconfig: %s: %w", path, err)
	}
	return file, file.unsupported(path)
}

// followLevel keeps the log's level at what the file says, where no flag says it.
func (s *settings) followLevel(flags *pflag.FlagSet, level *slog.LevelVar, logger *slog.Logger) (*filewatch.Watch, error) {
	return process.FollowLevel(process.LevelFile{
		Path: s.file, Level: level, Logger: logger,
		Read: func() (string, bool, error) {
			file, err := parseFile(s.file)
			if err != nil {
				return "", false, err
			}
			now := *s
			now.logLevel = flags.Lookup("log-level").Value.String()
			if !flags.Changed("log-level") {
				now.logLevel = flags.Lookup("log-level").DefValue
			}
			now.take(flags, file)
			said := now.logLevel
			now.logLevel = s.logLevel
			return said, !reflect.DeepEqual(now, *s), nil
		},
	})
}

// unsupported names what the file has that this release has nothing for. What is there
// and switched off is right.
func (f *fileSettings) unsupported(path string) error {
	var errs []error
	for _, one := range []struct {
		key, reason string
		part        *part
	}{
		{"server.public.tls", tlsReason, f.Server.Public.TLS}, {"server.internal.tls", tlsReason, f.Server.Internal.TLS},
		{"controller.tls", tlsReason, f.Controller.TLS}, {"observability.metric.tls", tlsReason, f.Observability.Metric.TLS},
		{"server.public.auth", "authentication is not supported yet", f.Server.Public.Auth},
		{"server.internal.auth", "authentication is not supported yet", f.Server.Internal.Auth},
	} {
		if one.part != nil && !one.part.off {
			errs = append(errs, fmt.Errorf("--sconfig: %s:%d: %s: %s", path, one.part.line, one.key, one.reason))
		}
	}
	return errors.Join(errs...)
}

// take takes what no flag says.
func (s *settings) take(flags *pflag.FlagSet, f *fileSettings) {
	set := func(into *string, value *string, names ...string) {
		for _, name := range names {
			if flags.Changed(name) {
				return
			}
		}
		if value != nil {
			*into = *value
		}
	}
	set(&s.public, f.Server.Public.BindAddress, "public-addr")
	set(&s.internal, f.Server.Internal.BindAddress, "internal-addr")
	set(&s.name, f.Metadata.Name, "name")
	set(&s.provider, f.Metadata.ProviderName, "metadata")
	set(&s.statusPath, f.Metadata.File.Path, "file-clusters-status-path")
	set(&s.statusPath, inDirectory(f.Metadata.File.Dir, f.Metadata.File.StatusName), "file-clusters-status-path")
	set(&s.configPath, f.Cluster.ConfigPath, "cluster-config", "cconfig", "conf")
	set(&s.configPath, inDirectory(f.Metadata.File.Dir, f.Metadata.File.ConfigName), "cluster-config", "cconfig", "conf")
	k := f.Metadata.Kubernetes
	set(&s.kubernetes.Namespace, k.Namespace, "k8s-namespace")
	set(&s.kubernetes.Status, k.ConfigMapName, "k8s-configmap-name")
	set(&s.kubernetes.Status, k.StatusName, "k8s-configmap-name")
	set(&s.kubernetes.Config, k.ConfigName, "k8s-config-name")
	set(&s.kubernetes.Kubeconfig, k.Kubeconfig, "kubeconfig")
	if k.StatusObjects != nil && !flags.Changed("k8s-status-objects") {
		s.kubernetes.Objects = *k.StatusObjects
	}
	r := f.Metadata.Raft
	if r.BootstrapNodes != nil && !flags.Changed("raft-bootstrap-nodes") {
		s.raft.nodes = r.BootstrapNodes
	}
	set(&s.raft.address, r.Address, "raft-address")
	set(&s.raft.bind, r.BindAddress, "raft-bind-address")
	set(&s.raft.dir, r.DataDir, "raft-data-dir")
	set(&s.metrics, f.Observability.Metric.BindAddress, "metrics-addr")
	if off := f.Observability.Metric.Enabled; off != nil && !*off && !flags.Changed("metrics-addr") {
		s.metrics = ""
	}
	set(&s.logLevel, f.Observability.Log.Level, "log-level")
}

// inDirectory is a named file, in a directory if one is named.
func inDirectory(dir, name *string) *string {
	if name == nil || dir == nil {
		return name
	}
	path := filepath.Join(*dir, *name)
	return &path
}
