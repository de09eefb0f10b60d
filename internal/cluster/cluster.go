package cluster

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	// Configuration is what else the configuration has, in YAML.
	Configuration string
	// Metadata is where coordinators keep the cluster's status; File if empty.
	Metadata Metadata
	// Kubeconfig tells how to reach the API server, and StatusName names the objects, for
	// ConfigMap; the namespace is the kubeconfig's.
	Kubeconfig, StatusName string
	// Nice is how much the processes give way to others of the machine: 0, as all do, to
	// 19.
	Nice int
	// Seed chooses ports.
	Seed uint64
	// ServerArgs and CoordinatorArgs are given to the programs besides.
	ServerArgs, CoordinatorArgs []string
}

// Metadata is a provider of metadata.
type Metadata string

// The providers: one file that all coordinators have, a log that they replicate, and
// objects of Kubernetes.
const (
	File      Metadata = "file"
	Raft      Metadata = "raft"
	ConfigMap Metadata = "configmap"
)

// Cluster is a running cluster. Its methods may be called from any goroutine but
// Close, which comes last.
type Cluster struct {
	options Options
	links   *links

	mu      sync.Mutex // guards what follows
	proxies []*proxy
	// servers are those that run, or may be started again; left are those that were
	// ended for good.
	servers, coordinators, left []*Member
	// configured are the names of the servers of the configuration.
	configured []string
	// made counts the servers that were ever made, and nextPort is where the search for
	// ports goes on: one that a killed process had looks free, and is not.
	made     int
	nextPort uint64
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
	c := &Cluster{options: options, links: newLinks(), nextPort: options.Seed}
	if err := c.make(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	for _, m := range c.members() {
		if err := m.Start(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// portsEach is how many ports a member listens on, at the most.
const portsEach = 4

func (c *Cluster) make() error {
	for range c.options.Servers {
		if _, err := c.newServer(); err != nil {
			return err
		}
	}
	if err := c.Configure(c.Servers()...); err != nil {
		return err
	}
	return c.newCoordinators()
}

// AddServer makes one more server and starts it. It is in no configuration yet.
func (c *Cluster) AddServer() (*Member, error) {
	m, err := c.newServer()
	if err != nil {
		return nil, err
	}
	return m, m.Start()
}

func (c *Cluster) newServer() (*Member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ports, err := c.ports()
	if err != nil {
		return nil, err
	}
	c.made++
	name := fmt.Sprintf("s%d", c.made)
	m, err := c.member(name, ports)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(c.options.Dir, name)
	args := append([]string{
		"--name", name, "--public-addr", loopback(ports[0]), "--internal-addr", loopback(ports[1]),
		"--metrics-addr", loopback(ports[2]), "--data-dir", filepath.Join(dir, "data"), "--wal-dir", filepath.Join(dir, "wal"),
	}, c.options.ServerArgs...)
	if m.Process, err = c.newProcess(name, c.options.Binaries.Server, args); err != nil {
		return nil, err
	}
	c.servers = append(c.servers, m)
	return m, nil
}

// ports returns a member's. The caller holds mu.
func (c *Cluster) ports() ([]int, error) {
	ports, err := freePorts(portsEach, c.nextPort)
	if err == nil {
		c.nextPort = uint64(ports[portsEach-1] - firstPort + 1)
	}
	return ports, err
}

// newCoordinators makes all coordinators, which know of each other.
func (c *Cluster) newCoordinators() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ports := make([][]int, c.options.Coordinators)
	var rafts []string
	for i := range ports {
		var err error
		if ports[i], err = c.ports(); err != nil {
			return err
		}
		rafts = append(rafts, loopback(ports[i][3]))
	}
	for i, own := range ports {
		name := fmt.Sprintf("c%d", i+1)
		if err := c.newCoordinator(name, own, c.metadata(name, rafts[i], rafts)); err != nil {
			return err
		}
	}
	return nil
}

// metadata are the arguments that say where a coordinator keeps the cluster's status.
func (c *Cluster) metadata(name, own string, all []string) []string {
	switch c.options.Metadata {
	case Raft:
		return []string{
			"--metadata", "raft", "--raft-address", own, "--raft-bootstrap-nodes", strings.Join(all, ","),
			"--raft-data-dir", filepath.Join(c.options.Dir, name, "raft"),
		}
	case ConfigMap:
		return []string{"--metadata", "configmap", "--kubeconfig", c.options.Kubeconfig, "--k8s-configmap-name", c.options.StatusName}
	}
	return []string{"--metadata", "file", "--file-clusters-status-path", filepath.Join(c.options.Dir, "status.json")}
}

// newCoordinator makes one. The caller holds mu.
func (c *Cluster) newCoordinator(name string, ports []int, metadata []string) error {
	m, err := c.member(name, ports)
	if err != nil {
		return err
	}
	args := append([]string{
		"--name", name, "--public-addr", loopback(ports[0]), "--internal-addr", loopback(ports[1]),
		"--metrics-addr", loopback(ports[2]), "--cluster-config", c.configPath(),
	}, append(metadata, c.options.CoordinatorArgs...)...)
	m.Process, err = c.newProcess(name, c.options.Binaries.Coordinator, args)
	if err == nil {
		c.coordinators = append(c.coordinators, m)
	}
	return err
}

// newProcess returns one that is not started.
func (c *Cluster) newProcess(name, program string, args []string) (*Process, error) {
	log := filepath.Join(c.options.Dir, name+".log")
	if c.options.Nice != 0 {
		// What it runs has its process.
		program, args = "nice", append([]string{"-n", strconv.Itoa(c.options.Nice), program}, args...)
	}
	return newProcess(name, log, program, args...)
}

// member returns a member without its process: the addresses by which it is known are
// proxies', unless there are none. The caller holds mu.
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
		p.start()
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

func (c *Cluster) configPath() string { return filepath.Join(c.options.Dir, "cluster.yaml") }

// Configure writes the cluster's configuration, with these servers, as an operator
// would who edits it: coordinators follow the file.
func (c *Cluster) Configure(servers ...*Member) error {
	var text strings.Builder
	namespaces := c.options.Namespaces
	if namespaces == "" {
		namespaces = fmt.Sprintf("- name: default\n  initialShardCount: 1\n  replicationFactor: %d", min(3, c.options.Servers))
	}
	text.WriteString("namespaces:\n" + indent(namespaces) + "servers:\n")
	var names []string
	for _, s := range servers {
		names = append(names, s.Name)
		fmt.Fprintf(&text, "  - name: %s\n    public: %s\n    internal: %s\n", s.Name, s.Public, s.Internal)
	}
	text.WriteString(c.options.Configuration)
	c.mu.Lock()
	c.configured = names
	c.mu.Unlock()
	next := c.configPath() + ".next"
	if err := os.WriteFile(next, []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(next, c.configPath())
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

// Servers are the data servers, but for those that left.
func (c *Cluster) Servers() []*Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.servers)
}

// Coordinators are the coordinators.
func (c *Cluster) Coordinators() []*Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.coordinators)
}

func (c *Cluster) members() []*Member { return append(c.Servers(), c.Coordinators()...) }

// Addresses are the public ones of the servers that are configured, for clients.
func (c *Cluster) Addresses() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var addresses []string
	for _, s := range c.servers {
		if slices.Contains(c.configured, s.Name) {
			addresses = append(addresses, s.Public)
		}
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
	c.mu.Lock()
	left := slices.Clone(c.left)
	c.mu.Unlock()
	for _, m := range append(c.members(), left...) {
		failed = append(failed, m.Failed())
	}
	return errors.Join(failed...)
}

// Retire ends a server for good, as an operator would who took it out of the
// configuration: nothing starts it again.
func (c *Cluster) Retire(m *Member) error {
	c.mu.Lock()
	c.servers = slices.DeleteFunc(c.servers, func(s *Member) bool { return s == m })
	c.left = append(c.left, m)
	c.mu.Unlock()
	return m.Terminate(stopWithin)
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
	for _, m := range append(c.members(), c.left...) {
		failed = append(failed, m.close())
	}
	for _, p := range c.proxies {
		failed = append(failed, p.close())
	}
	return errors.Join(failed...)
}
