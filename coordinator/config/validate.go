package config

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ostraka-db/ostraka/api"
)

// The limits of a configuration.
const (
	// MaxShardsPerNamespace bounds a namespace's initialShardCount.
	MaxShardsPerNamespace = 16384
	// MaxNameBytes bounds the names of namespaces, servers and coordinators.
	MaxNameBytes = 253
)

// The values of keySorting and of an anti-affinity's mode.
const (
	SortingNatural      = "natural"
	SortingHierarchical = "hierarchical"
	ModeStrict          = "strict"
	ModeRelaxed         = "relaxed"
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$`)

// Validate returns what is wrong with a configuration that was not read from a
// file, as *Problems, or nil.
func Validate(c *api.ClusterConfiguration) error {
	f := &found{}
	f.validate(c)
	return f.err("")
}

// ServerName is the name that a server goes by: its own, or its internal address
// if it has none.
func ServerName(s *api.DataServerIdentity) string {
	if s.GetName() != "" {
		return s.GetName()
	}
	return s.GetInternal()
}

// NameProblem says what is wrong with a name, and the remedy; nothing if it is
// right.
func NameProblem(name string) string {
	switch {
	case name == "":
		return "is missing: give it a name"
	case len(name) > MaxNameBytes:
		return fmt.Sprintf("has %d bytes: at most %d are allowed", len(name), MaxNameBytes)
	case !namePattern.MatchString(name) || strings.Contains(name, ".."):
		return fmt.Sprintf("is %q: must begin with a letter or digit, and have only letters, digits, _, - "+
			"and single dots after it", name)
	}
	return ""
}

// AddressProblem says what is wrong with an address, and the remedy; nothing if it
// is host:port.
func AddressProblem(address string) string {
	if address == "" {
		return "is missing: must be host:port"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, "/ ") {
		return fmt.Sprintf("is %q: must be host:port", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Sprintf("is %q: the port must be a number from 1 to 65535", address)
	}
	return ""
}

func (f *found) validate(c *api.ClusterConfiguration) {
	f.servers(c)
	f.namespaces(c)
	for i, address := range c.GetAllowExtraAuthorities() {
		f.addIf(fmt.Sprintf("allowExtraAuthorities[%d]", i), AddressProblem(withoutScheme(address)))
	}
	f.coordinators(c)
	f.durations("loadBalancer", c.GetLoadBalancer().ProtoReflect())
	f.durations("autoSplit", c.GetAutoSplit().ProtoReflect())
}

// addIf takes a problem with a field, if there is one.
func (f *found) addIf(field, problem string) {
	if problem != "" {
		f.add(field, "%s", problem)
	}
}

// unique takes what must not occur twice: what was seen, where.
type unique map[string]string

// claim records a value of a field, or says who has it.
func (u unique) claim(f *found, field, value, remedy string) {
	if value == "" {
		return
	}
	if other, taken := u[value]; taken {
		f.add(field, "is %q, as is %s: %s", value, other, remedy)
		return
	}
	u[value] = field
}

func (f *found) servers(c *api.ClusterConfiguration) {
	names, public, internal := unique{}, unique{}, unique{}
	known := map[string]bool{}
	for i, s := range c.GetServers() {
		at := fmt.Sprintf("servers[%d]", i)
		if s.GetName() != "" {
			f.addIf(at+".name", NameProblem(s.GetName()))
			names.claim(f, at+".name", s.GetName(), "give each server a name of its own")
		}
		f.addIf(at+".public", AddressProblem(withoutScheme(s.GetPublic())))
		f.addIf(at+".internal", AddressProblem(s.GetInternal()))
		public.claim(f, at+".public", s.GetPublic(), "each server has addresses of its own")
		internal.claim(f, at+".internal", s.GetInternal(), "each server has addresses of its own")
		if s.GetPublic() != "" && withoutScheme(s.GetPublic()) == s.GetInternal() {
			f.add(at+".internal", "is %q, which is the public address too: the two ports differ", s.GetInternal())
		}
		known[ServerName(s)] = true
	}
	for _, id := range sortedKeys(c.GetServerMetadata()) {
		if !known[id] {
			f.add("serverMetadata."+id, "there is no such server: name one of servers, by its name, "+
				"or by its internal address if it has none")
		}
	}
}

func (f *found) namespaces(c *api.ClusterConfiguration) {
	names := unique{}
	for i, n := range c.GetNamespaces() {
		at := fmt.Sprintf("namespaces[%d]", i)
		f.addIf(at+".name", NameProblem(n.GetName()))
		names.claim(f, at+".name", n.GetName(), "give each namespace a name of its own")
		if count := n.GetInitialShardCount(); count < 1 || count > MaxShardsPerNamespace {
			f.add(at+".initialShardCount", "is %d: must be from 1 to %d", count, MaxShardsPerNamespace)
		}
		f.replicationFactor(at+".replicationFactor", n.GetReplicationFactor(), len(c.GetServers()))
		switch n.GetKeySorting() {
		case "", SortingNatural, SortingHierarchical:
		default:
			f.add(at+".keySorting", "is %q: must be %s or %s", n.GetKeySorting(), SortingHierarchical, SortingNatural)
		}
		f.antiAffinities(at, n)
	}
}

func (f *found) replicationFactor(field string, factor uint32, servers int) {
	switch {
	case factor < 1:
		f.add(field, "is 0: must be at least 1; 3 survives the loss of one server")
	case int(factor) > servers:
		f.add(field, "is %d, and there are %d servers: lower it, or add servers", factor, servers)
	}
}

func (f *found) antiAffinities(at string, n *api.Namespace) {
	for i, a := range n.GetAntiAffinities() {
		at := fmt.Sprintf("%s.antiAffinities[%d]", at, i)
		if len(a.GetLabels()) == 0 || slices.Contains(a.GetLabels(), "") {
			f.add(at+".labels", "must name at least one label, as zone")
		}
		if a.GetMode() != ModeStrict && a.GetMode() != ModeRelaxed {
			f.add(at+".mode", "is %q: must be %s or %s", a.GetMode(), ModeStrict, ModeRelaxed)
		}
	}
}

func (f *found) coordinators(c *api.ClusterConfiguration) {
	names, addresses := unique{}, unique{}
	for i, one := range c.GetCoordinators() {
		at := fmt.Sprintf("coordinators[%d]", i)
		f.addIf(at+".name", NameProblem(one.GetName()))
		f.addIf(at+".publicAddress", AddressProblem(withoutScheme(one.GetPublicAddress())))
		names.claim(f, at+".name", one.GetName(), "give each coordinator a name of its own")
		addresses.claim(f, at+".publicAddress", one.GetPublicAddress(), "each coordinator has an address of its own")
	}
}

// durations checks the fields of a message that are text: all of them are
// durations, or empty.
func (f *found) durations(at string, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Kind() != protoreflect.StringKind || !m.Has(field) {
			continue
		}
		if d, err := time.ParseDuration(m.Get(field).String()); err != nil || d <= 0 {
			f.add(at+"."+field.JSONName(), "is %q: must be a duration above zero, as 30s or 5m", m.Get(field).String())
		}
	}
}

// withoutScheme drops the prefix that tells clients to use TLS.
func withoutScheme(address string) string { return strings.TrimPrefix(address, "tls://") }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
