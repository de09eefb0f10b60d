package cluster

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Clients is the name under which this process, which has the clients, is an end of
// links.
const Clients = "clients"

// stopWithin is how long a process may take to end when it is asked to: more than the
// time that it gives its leaderships to move.
const stopWithin = 30 * time.Second

// Options say what to run. Binaries, Dir and Servers must be set.
type Options struct {
	Binaries Binaries
	// Dir is where data, configuration and output go. It must exist.
	Dir string
	// Servers and Coordinators are how many there are of each; 1 coordinator if zero.
	Servers      int
	Coordinators int
	// Namespaces are those of the cluster's configuration, in YAML, as a list; one
	// namespace called default, with one shard on all servers but three at the most, if
	// empty.
	Namespaces string
	// Direct leaves the proxies out: nothing can be cut, and a process that is gone
	// refuses connections, as on a network.
	Direct bool
	// Seed chooses ports.
	Seed uint64
	// ServerArgs and CoordinatorArgs are given to the programs besides.
	ServerArgs, CoordinatorArgs []string
}

// Cluster is a running cluster. Its methods may be called from any goroutine but
// Close, which comes last.
type Cluster struct {
	options      Options
	links        *links
	proxies      []*proxy
	Servers      []*Member
	Coordinators []*Member
}

// Member is a process of a cluster, with its addresses as others know them.
type Member struct {
	*Process
	// Public is where clients call, Internal where other members do, and Metrics where
	// its metrics are.
	Public, Internal, Metrics string
}

// Start makes a cluster and starts its processes. It does not wait for them.
func Start(options Options) (*Cluster, error) {
	if options.Coordinators == 0 {
		options.Coordinators = 1
	}
	c := &Cluster{options: options, links: newLinks()}
	if err := c.make(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	// From here on the members are those that there are, for whoever asks for an owner.
	for _, p := range c.proxies {
		p.start()
	}
	for _, m := range c.members() {
		if err := m.Start(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// portsEach is how many ports a member listens on.
const portsEach = 3

func (c *Cluster) make() error {
	count := c.options.Servers + c.options.Coordinators
	ports, err := freePorts(portsEach*count, c.options.Seed)
	if err != nil {
		return err
	}
	config := filepath.Join(c.options.Dir, "cluster.yaml")
	for i := range count {
		own := ports[portsEach*i : portsEach*(i+1)]
		if i < c.options.Servers {
			err = c.addServer(fmt.Sprintf("s%d", i+1), own)
		} else {
			err = c.addCoordinator(fmt.Sprintf("c%d", i+1-c.options.Servers), config, own)
		}
		if err != nil {
			return err
		}
	}
	return os.WriteFile(config, []byte(c.configuration()), 0o644)
}

func (c *Cluster) addServer(name string, ports []int) error {
	m, err := c.member(name, ports)
	if err != nil {
		return err
	}
	dir := filepath.Join(c.options.Dir, name)
	args := append([]string{
		"--name", name, "--public-addr", loopback(ports[0]), "--internal-addr", loopback(ports[1]),
		"--metrics-addr", loopback(ports[2]), "--data-dir", filepath.Join(dir, "data"), "--wal-dir", filepath.Join(dir, "wal"),
	}, c.options.ServerArgs...)
	m.Process, err = newProcess(name, filepath.Join(c.options.Dir, name+".log"), c.options.Binaries.Server, args...)
	c.Servers = append(c.Servers, m)
	return err
}

func (c *Cluster) addCoordinator(name, config string, ports []int) error {
	m, err := c.member(name, ports)
	if err != nil {
		return err
	}
	args := append([]string{
		"--name", name, "--public-addr", loopback(ports[0]), "--internal-addr", loopback(ports[1]),
		"--metrics-addr", loopback(ports[2]), "--cluster-config", config, "--metadata", "file",
		"--file-clusters-status-path", filepath.Join(c.options.Dir, "status.json"),
	}, c.options.CoordinatorArgs...)
	m.Process, err = newProcess(name, filepath.Join(c.options.Dir, name+".log"), c.options.Binaries.Coordinator, args...)
	c.Coordinators = append(c.Coordinators, m)
	return err
}

// member returns a member without its process: the addresses by which it is known are
// proxies', unless there are none.
func (c *Cluster) member(name string, ports []int) (*Member, error) {
	m := &Member{Public: loopback(ports[0]), Internal: loopback(ports[1]), Metrics: loopback(ports[2])}
	if c.options.Direct {
		return m, nil
	}
	for _, known := range []*string{&m.Public, &m.Internal} {
		p, err := newProxy(name, *known, c.links, c.owner)
		if err != nil {
			return nil, err
		}
		c.proxies = append(c.proxies, p)
		*known = p.address()
	}
	return m, nil
}

// owner names the member that has the other end of a connection; Clients if none of
// them has.
func (c *Cluster) owner(address net.Addr) string {
	members := c.members()
	var pids []int
	for _, m := range members {
		if pid := m.pid(); pid != 0 {
			pids = append(pids, pid)
		}
	}
	pid, err := ownerOf(address, pids)
	if err == nil {
		for _, m := range members {
			if pid != 0 && m.pid() == pid {
				return m.Name
			}
		}
	}
	return Clients
}

// configuration is the cluster's, as coordinators read it.
func (c *Cluster) configuration() string {
	var text strings.Builder
	namespaces := c.options.Namespaces
	if namespaces == "" {
		namespaces = fmt.Sprintf("- name: default\n  initialShardCount: 1\n  replicationFactor: %d", min(3, c.options.Servers))
	}
	text.WriteString("namespaces:\n" + indent(namespaces) + "servers:\n")
	for _, s := range c.Servers {
		fmt.Fprintf(&text, "  - name: %s\n    public: %s\n    internal: %s\n", s.Name, s.Public, s.Internal)
	}
	return text.String()
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

func (c *Cluster) members() []*Member {
	return append(append([]*Member{}, c.Servers...), c.Coordinators...)
}

// Addresses are the servers' public ones, for clients.
func (c *Cluster) Addresses() []string {
	var addresses []string
	for _, s := range c.Servers {
		addresses = append(addresses, s.Public)
	}
	return addresses
}

// Member returns the member of that name; nil if there is none.
func (c *Cluster) Member(name string) *Member {
	for _, m := range c.members() {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Cut cuts one direction between two ends, each a member's name or Clients.
func (c *Cluster) Cut(from, to string) { c.links.set(from, to, true) }

// CutBoth cuts both.
func (c *Cluster) CutBoth(a, b string) {
	c.Cut(a, b)
	c.Cut(b, a)
}

// Isolate cuts a member off from all others, and, with clients, from clients too.
func (c *Cluster) Isolate(name string, clients bool) {
	for _, m := range c.members() {
		if m.Name != name {
			c.CutBoth(name, m.Name)
		}
	}
	if clients {
		c.CutBoth(name, Clients)
	}
}

// Heal makes every link whole.
func (c *Cluster) Heal() { c.links.heal() }

// Recover heals links, resumes what is paused, and starts what does not run.
func (c *Cluster) Recover() error {
	c.Heal()
	for _, m := range c.members() {
		if err := m.Resume(); err != nil {
			return err
		}
		if !m.Running() {
			if err := m.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Failed returns which processes ended by themselves, and with what.
func (c *Cluster) Failed() error {
	var failed []error
	for _, m := range c.members() {
		failed = append(failed, m.Failed())
	}
	return errors.Join(failed...)
}

// Stop ends every process as an operator would, servers first.
func (c *Cluster) Stop() error {
	var failed []error
	for _, m := range c.members() {
		failed = append(failed, m.Terminate(stopWithin))
	}
	return errors.Join(failed...)
}

// Close kills what runs and ends the proxies.
func (c *Cluster) Close() error {
	var failed []error
	for _, m := range c.members() {
		if m.Process != nil {
			failed = append(failed, m.close())
		}
	}
	for _, p := range c.proxies {
		failed = append(failed, p.close())
	}
	return errors.Join(failed...)
}
