package standalone

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/file"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
)

const (
	// name is that of the one server, and of the one coordinator.
	name = "standalone"
	// Below the data directory: what the server keeps, what the cluster should be, and
	// what it has come to.
	serverDir  = "server"
	configFile = "cluster.yaml"
	statusFile = "status.json"
)

// wanted is the configuration of a new cluster.
func (o *Options) wanted(server *api.DataServerIdentity) *api.ClusterConfiguration {
	return &api.ClusterConfiguration{
		Servers: []*api.DataServerIdentity{server},
		Namespaces: []*api.Namespace{{
			Name: api.DefaultNamespace, InitialShardCount: o.Shards, ReplicationFactor: 1,
			NotificationsEnabled: proto.Bool(o.Notifications), KeySorting: o.KeySorting,
		}},
	}
}

// openCluster returns where the coordinator keeps what it knows, and what it should
// bring about.
func (o *Options) openCluster(public, internal string) (metadata.Provider, config.Source, error) {
	server := &api.DataServerIdentity{Name: proto.String(name), Public: advertised(public), Internal: internal}
	if o.InMemory {
		source, err := config.NewFixed(o.wanted(server))
		return memory.NewStore().Open(), source, err
	}
	path := filepath.Join(o.DataDir, configFile)
	if err := o.writeConfig(path, server); err != nil {
		return nil, nil, err
	}
	source, err := config.OpenFile(path, o.Logger)
	if err != nil {
		return nil, nil, err
	}
	documents, err := file.Open(filepath.Join(o.DataDir, statusFile), o.Logger)
	if err != nil {
		source.Close()
		return nil, nil, err
	}
	return documents, source, nil
}

// writeConfig brings the configuration's file up to date: the server's addresses are
// those of this run, all else is as it was. The coordinator has not been started, so
// that nobody else writes it.
func (o *Options) writeConfig(path string, server *api.DataServerIdentity) error {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read what the cluster should be: %w", err)
	}
	wanted := o.wanted(server)
	if err == nil {
		if wanted, err = config.Parse(path, before); err != nil {
			return err
		}
		wanted.Servers = []*api.DataServerIdentity{server}
	}
	after, err := config.Render(wanted)
	if err != nil {
		return err
	}
	if string(before) == string(after) {
		return nil
	}
	next := path + ".new"
	if err := os.WriteFile(next, after, 0o644); err != nil {
		return fmt.Errorf("write what the cluster should be: %w", err)
	}
	// A crash before this is durable leaves the file as it was, which the next start
	// brings up to date again.
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write what the cluster should be: %w", err)
	}
	return nil
}

// advertised returns an address at which clients reach a server that listens on
// another: one of all interfaces is none.
func advertised(listening string) string {
	host, port, err := net.SplitHostPort(listening)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listening
}
