package lint

import (
	"fmt"
	"slices"
	"strings"
)

// arrow says what the non-test files of a package may import.
type arrow struct {
	// from is a directory; the arrow holds for it and all below it for which
	// there is no longer from.
	from string
	// to are the directories of this module that it may import, each with all
	// below it but what has an arrow of its own. Its own directory is
	// always allowed.
	to []string
	// alone means that it imports nothing from outside the module and the
	// standard library.
	alone bool
}

// arrows is the picture of the whole program: imports only ever point to the
// right. A package that has no arrow is a breach, so that a new one is placed in
// the picture before it is written.
var arrows = []arrow{
	{from: "api"},
	{from: "kv/keyspace"},
	// What Pebble's databases are opened on.
	{from: "internal/engine"},
	{from: "kv", to: []string{"api", "internal/engine", "kv/keyspace"}},

	// The core is pure: no storage, no wire, no clock, no library.
	{from: "replication", alone: true},
	{from: "replication/wellformed", to: []string{"replication"}, alone: true},
	{from: "wal", to: []string{"replication"}},

	// What the core does, told to the specification.
	{from: "tla/trace", to: []string{"replication"}},

	// The adapters carry the core's messages, and may know more than it does.
	{from: "replication/maelstrom", to: []string{
		"api", "kv", "kv/keyspace", "replication", "replication/wellformed", "server/storage", "tla/trace", "wal",
	}},
	{from: "replication/grpc", to: []string{"api", "replication", "replication/wellformed"}},
	{from: "replication/replicationtest", to: []string{"replication"}},
	{from: "replication/sim", to: []string{
		"api", "client", "coordinator", "kv", "kv/keyspace", "replication", "replication/grpc",
		"replication/maelstrom", "replication/replicationtest", "server", "server/storage", "wal",
		"internal/anomaly", "internal/checker", "internal/history", "internal/transaction",
	}},

	// One server's durable half, which every driver of the core shares.
	{from: "server/storage", to: []string{"api", "kv", "kv/keyspace", "replication", "wal"}},
	{from: "server", to: []string{
		"api", "kv", "kv/keyspace", "replication", "replication/grpc", "server/storage", "wal", "internal/metric",
	}},
	{from: "server/command", to: []string{"api", "internal/filewatch", "internal/process", "kv", "server", "server/storage", "wal"}},
	{from: "coordinator/command", to: []string{"api", "coordinator", "coordinator/metadata/raft", "internal/filewatch", "internal/process"}},
	{from: "coordinator", to: []string{"api", "kv/keyspace", "replication", "replication/grpc", "internal/filewatch", "internal/metric"}},
	// Metadata that coordinators keep among themselves, by Raft: the engine beneath it is
	// no other part's of a coordinator.
	{from: "coordinator/metadata/raft", to: []string{"api", "coordinator", "internal/engine"}},
	// Kubernetes' client is a large library: it is for the coordinator's own program, and
	// for no other.
	{from: "coordinator/kube"},
	{from: "coordinator/metadata/kubernetes", to: []string{"coordinator", "coordinator/kube"}},
	{from: "coordinator/config/configmap", to: []string{"api", "coordinator", "coordinator/kube"}},
	{from: "cmd/coordinator", to: []string{
		"coordinator", "coordinator/command", "coordinator/config/configmap", "coordinator/kube", "coordinator/metadata/kubernetes",
	}},
	// A client must not drag the storage engine into its user's program.
	{from: "client", to: []string{"api", "kv/keyspace"}},

	{from: "cmd", to: []string{
		"api", "client", "coordinator", "coordinator/command", "kv", "kv/keyspace", "replication", "replication/grpc",
		"replication/maelstrom", "replication/sim", "server", "server/command", "server/storage", "wal",
		"internal/anomaly", "internal/checker", "internal/dependency", "internal/history", "internal/process", "internal/transaction",
	}},

	// What every process has around its work.
	{from: "internal/process", to: []string{"api", "internal/filewatch"}},
	{from: "internal/filewatch"},
	{from: "internal/metric"},

	// The specification is held to the core by behaviours replayed on it.
	{from: "tla", to: []string{"replication", "replication/replicationtest"}},

	// What histories are held against: it knows nothing of the program.
	{from: "internal/history"},
	{from: "internal/transaction"},
	{from: "internal/dependency"},
	{from: "internal/checker", to: []string{"internal/history"}},
	{from: "internal/anomaly", to: []string{"internal/checker", "internal/dependency", "internal/history", "internal/transaction"}},
	// Real processes, and what clients see while they are harmed. The module of the
	// interoperability test runs processes too, beside messages of its own of the same
	// names as ours: it must meet none of these.
	{from: "internal/cluster"},
	{from: "internal/chaos", to: []string{"client", "internal/checker", "internal/cluster", "internal/history"}},
	{from: "internal/containers", to: []string{"api"}},
	{from: "interop", to: []string{"internal/cluster"}},
	// A real Kubernetes.
	{from: "kubetest", to: []string{"coordinator", "coordinator/config/configmap", "coordinator/kube", "coordinator/metadata/kubernetes"}},
	{from: "internal/lint", alone: true},
	{from: "tools"},
	// The image is written with the standard library alone.
	{from: "deploy/image", alone: true},
	// The chart has nothing but tests.
	{from: "deploy/helm", alone: true},
	{from: "deploy/test", to: []string{"kubetest/controlplane"}},
}

// libraries are what only some packages import from outside, besides tests: by the
// beginning of its path, and who.
var libraries = []struct {
	prefix string
	only   []string
}{
	{"k8s.io/", []string{"cmd/coordinator", "coordinator/config/configmap", "coordinator/kube", "coordinator/metadata/kubernetes", "deploy/test", "kubetest"}},
}

// reserved says why a directory may not import what is outside the module, or nothing if
// it may.
func reserved(dir, imported string) string {
	for _, l := range libraries {
		if strings.HasPrefix(imported, l.prefix) && !slices.ContainsFunc(l.only, func(root string) bool { return within(dir, root) }) {
			return fmt.Sprintf("%s is for %s", l.prefix, strings.Join(l.only, ", "))
		}
	}
	return ""
}

// arrowOf returns the arrow with the longest from that holds for the directory.
func arrowOf(dir string) *arrow {
	var best *arrow
	for i := range arrows {
		a := &arrows[i]
		if within(dir, a.from) && (best == nil || len(a.from) > len(best.from)) {
			best = a
		}
	}
	return best
}

// within reports whether dir is under, or is, the directory root.
func within(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

// checkImports holds a file's imports against the arrows. Tests may look at
// anything, as nothing depends on them; but not even they may import a command.
func checkImports(s *source, module string) []Breach {
	from := arrowOf(s.dir)
	if from == nil {
		return []Breach{{s.path, fmt.Sprintf("package %s has no place in the picture: add it to internal/lint/arrows.go", s.dir)}}
	}
	var breaches []Breach
	for _, imported := range s.imports {
		if reason := forbidden(s, from, imported, module); reason != "" {
			breaches = append(breaches, Breach{s.path, fmt.Sprintf("imports %s: %s", imported, reason)})
		}
	}
	return breaches
}

// forbidden says why a file may not import a package, or nothing if it may.
func forbidden(s *source, from *arrow, imported, module string) string {
	dir, inModule := strings.CutPrefix(imported, module+"/")
	switch {
	case inModule && within(dir, "cmd") && commandOf(dir) != commandOf(s.dir):
		return "nothing imports a command; move what is shared to a package below"
	case s.test:
		return ""
	case !inModule && from.alone && !standard(imported):
		return fmt.Sprintf("%s imports the standard library and nothing else", from.from)
	case !inModule:
		return reserved(s.dir, imported)
	}
	to := arrowOf(dir)
	if to == nil || to == from || slices.Contains(from.to, to.from) {
		return "" // a target without a place is a breach of its own
	}
	return fmt.Sprintf("no arrow points from %s to %s", from.from, to.from)
}

// commandOf returns the command that a directory belongs to: cmd and one more.
func commandOf(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if parts[0] != "cmd" || len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// standard reports whether an import path is of the standard library: those
// alone have no dot in their first element.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
