package command

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft"
)

// raftSettings say who the members of the metadata store are, and which is this one.
type raftSettings struct {
	nodes   []string
	address string
	// bind is where to listen; address if it is empty.
	bind string
	dir  string
}

func (s *settings) registerRaft(flags *pflag.FlagSet) {
	r := &s.raft
	flags.StringSliceVar(&r.nodes, "raft-bootstrap-nodes", nil,
		"host:port of every coordinator's --raft-address, with commas: an odd number, the same for all and for ever; for --metadata raft")
	flags.StringVar(&r.address, "raft-address", "", "host:port where the other coordinators reach this one; one of --raft-bootstrap-nodes")
	flags.StringVar(&r.bind, "raft-bind-address", "", "where to listen for the other coordinators, host:port (default: --raft-address)")
	flags.StringVar(&r.dir, "raft-data-dir", "data/raft", "this coordinator's own directory, for --metadata raft")
}

// checkRaft says what is wrong for metadata by Raft.
func (s *settings) checkRaft() error {
	r := &s.raft
	if len(r.nodes) == 0 {
		return errors.New("--raft-bootstrap-nodes is not set: name the --raft-address of every coordinator")
	}
	if err := raft.CheckBootstrap(r.nodes); err != nil {
		return fmt.Errorf("--raft-bootstrap-nodes: %w", err)
	}
	if !slices.Contains(r.nodes, r.address) {
		return fmt.Errorf("--raft-address is %q: must be one of --raft-bootstrap-nodes, which are %s", r.address, strings.Join(r.nodes, ", "))
	}
	if _, _, err := net.SplitHostPort(r.bind); r.bind != "" && err != nil {
		return fmt.Errorf("--raft-bind-address is %q: must be host:port", r.bind)
	}
	if r.dir == "" {
		return errors.New("--raft-data-dir is empty: name a directory of this coordinator's own")
	}
	return nil
}

func openRaft(r raftSettings, logger *slog.Logger) (metadata.Provider, error) {
	member, err := raft.Open(raft.Options{Address: r.address, Bind: r.bind, Bootstrap: r.nodes, Dir: r.dir, Logger: logger})
	if err != nil {
		return nil, err
	}
	return member, nil
}
