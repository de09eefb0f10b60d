package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/wal"
)

// Config is what an operator says of a server. PublicAddress, InternalAddress and
// Storage must be set.
type Config struct {
	// Name is the server's in the cluster's configuration. Empty: it learns it from
	// its coordinator.
	Name string
	// PublicAddress is where clients are served, and InternalAddress where other servers
	// and coordinators are, as host:port. A port of zero is chosen by the system.
	PublicAddress, InternalAddress string
	// PublicCredentials and InternalCredentials secure the two ports, PeerCredentials the
	// connections to other servers; nil is plain text.
	PublicCredentials, InternalCredentials, PeerCredentials credentials.TransportCredentials
	// Storage is where the data is kept.
	Storage storage.Options
	// Retention is what the log keeps for members that lag.
	Retention wal.Limits
	// NotificationRetention is how long notifications are kept, in the place of what
	// their namespace says; that is not replaced if it is zero.
	NotificationRetention time.Duration
	// AnyAuthority lets clients call under any name, also one that is not the cluster's.
	AnyAuthority bool
	// Alone says that the cluster has no other server, and never will: clients are sent
	// to the address by which they came, and nobody is waited for who would take the
	// leaderships before the server ends.
	Alone bool
	// Core replaces the options of the replication core; its defaults if nil. All
	// servers and coordinators of a cluster should have the same.
	Core *replication.Options
	// Version is the program's.
	Version string
	// Logger is told what an operator wants to know; it is dropped if nil.
	Logger *slog.Logger
}

// maxNameBytes bounds a server's name.
const maxNameBytes = 256

// validate names the field that is wrong, and the remedy.
func (c *Config) validate() error {
	var errs []error
	switch {
	case strings.Contains(c.Name, "/"):
		errs = append(errs, fmt.Errorf("name %q has a slash; choose one without", c.Name))
	case len(c.Name) > maxNameBytes:
		errs = append(errs, fmt.Errorf("name has %d bytes; choose one of %d at the most", len(c.Name), maxNameBytes))
	}
	for _, a := range []struct{ field, address string }{
		{"public address", c.PublicAddress}, {"internal address", c.InternalAddress},
	} {
		if _, _, err := net.SplitHostPort(a.address); err != nil {
			errs = append(errs, fmt.Errorf("%s %q: %w; write it as host:port", a.field, a.address, err))
		}
	}
	if c.Retention.Bytes < 0 || c.Retention.Age < 0 {
		errs = append(errs, fmt.Errorf("retention of the log is %d bytes, %v; must not be below zero",
			c.Retention.Bytes, c.Retention.Age))
	}
	return errors.Join(errs...)
}

// withDefaults returns the configuration with nothing left open.
func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Storage.Logger == nil {
		c.Storage.Logger = c.Logger
	}
	if c.Core == nil {
		core := replication.DefaultOptions()
		c.Core = &core
	}
	return c
}
