package command

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/server/storage"
)

// settings are what an operator may set.
type settings struct {
	name                   string
	public, internal       string
	metrics                string
	metricsEnabled         bool
	dataDir, logDir        string
	syncLog                bool
	logRetention           time.Duration
	logRetentionMB         int
	notificationsRetention time.Duration
	cacheMB                int
	checkAuthority         bool
	drainFor               time.Duration
	logLevel               string
	logJSON                bool
	profile                bool
}

func defaults() *settings {
	port := func(p int) string { return net.JoinHostPort("0.0.0.0", strconv.Itoa(p)) }
	return &settings{
		public: port(api.PublicPort), internal: port(api.InternalPort), metrics: port(api.MetricsPort), metricsEnabled: true,
		dataDir: "./data", syncLog: true, logRetention: api.DefaultLogRetention, logRetentionMB: 4 << 10,
		cacheMB: api.DefaultReadCacheMB, checkAuthority: true, drainFor: 20 * time.Second, logLevel: "info",
	}
}

// setting is one of them: its names, and how a text becomes its value.
type setting struct {
	// flag and short are empty if there is none; key likewise, in the file.
	flag, short, key string
	usage            string
	// isBool says that the flag may stand alone.
	isBool bool
	// set takes a text; the error says what is wrong with it, and the remedy.
	set func(string) error
	// shown is the default, as help shows it.
	shown string
}

// table lists all settings, which write to where they are read from.
func (s *settings) table() []setting {
	return []setting{
		{flag: "name", key: "server.name", usage: "the server's name in the cluster's configuration; if it is not set, the coordinator tells it", set: nameInto(&s.name)},
		{flag: "public-addr", short: "p", key: "server.public.bindAddress", usage: "address that clients are served at", set: addressInto(&s.public), shown: s.public},
		{flag: "internal-addr", short: "i", key: "server.internal.bindAddress", usage: "address that servers and coordinators meet at", set: addressInto(&s.internal), shown: s.internal},
		{flag: "metrics-addr", short: "m", key: "observability.metric.bindAddress", usage: "address of /metrics, /livez and /readyz", set: addressInto(&s.metrics), shown: s.metrics},
		{key: "observability.metric.enabled", isBool: true, set: boolInto(&s.metricsEnabled)},
		{flag: "data-dir", key: "storage.database.dir", usage: "directory of the data", set: pathInto(&s.dataDir), shown: s.dataDir},
		{flag: "wal-dir", key: "storage.wal.dir", usage: "directory of the log; in the data directory if it is not set", set: pathInto(&s.logDir)},
		{flag: "wal-sync-data", key: "storage.wal.sync", isBool: true, usage: "sync the log before a write is answered; it cannot be turned off", set: alwaysTrue(&s.syncLog), shown: "true"},
		{flag: "wal-retention-time", key: "storage.wal.retention", usage: "how long the log is kept for servers that lag", set: durationInto(&s.logRetention), shown: s.logRetention.String()},
		{flag: "wal-retention-size-mb", key: "storage.wal.retentionSizeMB", usage: "how much of the log is kept for servers that lag", set: countInto(&s.logRetentionMB, 1), shown: strconv.Itoa(s.logRetentionMB)},
		{flag: "notifications-retention-time", key: "storage.notification.retention", usage: "how long notifications are kept; as the namespace says if it is not set", set: durationInto(&s.notificationsRetention)},
		{flag: "db-cache-size-mb", key: "storage.database.readCacheSizeMB", usage: "size of the read cache", set: countInto(&s.cacheMB, 1), shown: strconv.Itoa(s.cacheMB)},
		{flag: "drain-timeout", key: "server.drainTimeout", usage: "how long a stopping server waits until others lead its shards", set: durationInto(&s.drainFor), shown: s.drainFor.String()},
		{key: "featureFlags.authorityValidation", isBool: true, set: boolInto(&s.checkAuthority)},
		{flag: "log-level", short: "l", key: "observability.log.level", usage: "debug, info, warn or error", set: textInto(&s.logLevel), shown: s.logLevel},
		{flag: "log-json", short: "j", isBool: true, usage: "log lines of JSON", set: boolInto(&s.logJSON)},
		{flag: "profile", isBool: true, usage: "serve profiles at /debug/pprof of the metrics address", set: boolInto(&s.profile)},
		{flag: "auth-provider-name", key: "server.public.auth.provider", usage: "must be empty: this release does not authenticate clients", set: mustBe("", "this release does not authenticate clients; leave it out, and guard the port by the network")},
		{key: "scheduler.checksum.interval", set: cannotBeSet(fmt.Sprintf("replicas compare their states every %d entries, always, and there is no time between; leave it out", kv.CheckEvery))},
		{key: "server.public.auth.enabled", isBool: true, set: mustBe("false", "this release does not authenticate clients; set it to false, and guard the port by the network")},
		{key: "server.internal.auth.enabled", isBool: true, set: mustBe("false", "this release does not authenticate servers; set it to false, and guard the port by the network")},
	}
}

func textInto(to *string) func(string) error {
	return func(text string) error {
		*to = text
		return nil
	}
}

func nameInto(to *string) func(string) error {
	return func(text string) error {
		if strings.Contains(text, "/") {
			return fmt.Errorf("%q has a slash; choose a name without", text)
		}
		*to = text
		return nil
	}
}

func pathInto(to *string) func(string) error {
	return func(text string) error {
		if text == "" {
			return fmt.Errorf("is empty; name a directory, or leave it out")
		}
		*to = text
		return nil
	}
}

// addressInto takes host:port, with a port from 0 to 65535.
func addressInto(to *string) func(string) error {
	return func(text string) error {
		_, port, err := net.SplitHostPort(text)
		if err != nil {
			return fmt.Errorf("%q is no address; write it as host:port, as in 0.0.0.0:%d", text, api.PublicPort)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%q has no port from 0 to 65535; write it as host:port, as in 0.0.0.0:%d", text, api.PublicPort)
		}
		*to = text
		return nil
	}
}

func durationInto(to *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no time above zero; write it as in 90s, 30m or 1h", text)
		}
		*to = d
		return nil
	}
}

func countInto(to *int, least int) func(string) error {
	return func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > 1<<30 {
			return fmt.Errorf("%q is no number from %d to %d", text, least, 1<<30)
		}
		*to = n
		return nil
	}
}

func boolInto(to *bool) func(string) error {
	return func(text string) error {
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*to = b
		return nil
	}
}

func alwaysTrue(to *bool) func(string) error {
	parse := boolInto(to)
	return func(text string) error {
		if err := parse(text); err != nil {
			return err
		}
		if !*to {
			return fmt.Errorf("is false; a write that is answered is on the disk, always: leave it out")
		}
		return nil
	}
}

func mustBe(only, remedy string) func(string) error {
	return func(text string) error {
		if text != only {
			return fmt.Errorf("is %q; %s", text, remedy)
		}
		return nil
	}
}

// cannotBeSet is for what operators may have in their files, and this server has nothing
// for.
func cannotBeSet(why string) func(string) error {
	return func(string) error { return errors.New("cannot be set: " + why) }
}

// storageOptions are where the data is kept.
func (s *settings) storageOptions() storage.Options {
	return storage.Options{Dir: s.dataDir, LogDir: s.logDir, CacheBytes: int64(s.cacheMB) << 20}
}
