package lint

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/ostraka-db/ostraka"

func TestRepositoryKeepsTheRules(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root is not where it was: %v", err)
	}
	breaches, err := Check(os.DirFS(root), module)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Error(b)
	}
}

// Each rule is shown a tree that breaks it and one that just does not.
func TestRulesCatchWhatTheyAreFor(t *testing.T) {
	long := strings.Repeat("//\n", maxLines)
	cases := []struct {
		name  string
		path  string
		text  string
		wants string // a part of the breach; empty if there is none
	}{
		{"core imports a library", "replication/step.go", imports("golang.org/x/exp/slices"), "standard library and nothing else"},
		{"core imports the storage", "replication/step.go", imports(module + "/kv"), "no arrow points from replication to kv"},
		{"core imports the contract", "replication/step.go", imports(module + "/api"), "no arrow points from replication to api"},
		{"core imports an adapter", "replication/step.go", imports(module + "/replication/grpc"), "no arrow"},
		{"leaf of the core imports a library", "replication/quorum/quorum.go", imports("google.golang.org/protobuf/proto"), "standard library and nothing else"},
		{"core imports its leaf and the standard library", "replication/step.go", imports("fmt", module+"/replication/quorum"), ""},
		{"leaf of the core imports the core", "replication/quorum/quorum.go", imports(module + "/replication"), ""},
		{"adapter imports the contract and a library", "replication/grpc/peer.go", imports(module+"/api", "google.golang.org/grpc"), ""},
		{"adapter imports the server", "replication/grpc/peer.go", imports(module + "/server"), "no arrow"},
		{"maelstrom adapter imports the storage", "replication/maelstrom/node.go", imports(module+"/kv", module+"/api"), ""},
		{"test of the core imports a library", "replication/step_test.go", imports("pgregory.net/rapid"), ""},
		{"storage imports the core", "kv/apply.go", imports(module + "/replication"), "no arrow points from kv to replication"},
		{"storage imports a leaf of the core", "kv/apply.go", imports(module + "/replication/quorum"), "no arrow"},
		{"storage imports the contract", "kv/apply.go", imports(module+"/api", module+"/kv/keyspace"), ""},
		{"key space imports the storage", "kv/keyspace/order.go", imports(module + "/kv"), "no arrow"},
		{"log imports the core's types", "wal/log.go", imports(module + "/replication"), ""},
		{"log imports the contract", "wal/log.go", imports(module + "/api"), "no arrow points from wal to api"},
		{"server imports the simulator", "server/run.go", imports(module + "/replication/sim"), "no arrow"},
		{"test imports the simulator", "server/run_test.go", imports(module + "/replication/sim"), ""},
		{"command imports the simulator", "cmd/soak/main.go", imports(module + "/replication/sim"), ""},
		{"simulator imports the server", "replication/sim/run.go", imports(module + "/server"), ""},
		{"program imports a test suite", "server/run.go", imports(module + "/replication/replicationtest"), "no arrow"},
		{"command imports what processes have", "cmd/server/main.go", imports(module + "/internal/process"), ""},
		{"server imports what processes have", "server/run.go", imports(module + "/internal/process"), "no arrow"},
		{"client imports the storage engine", "client/get.go", imports(module + "/kv"), "no arrow points from client to kv"},
		{"client imports the key space", "client/get.go", imports(module+"/kv/keyspace", module+"/api"), ""},
		{"another program imports Kubernetes", "cmd/ostraka/main.go", imports(module + "/coordinator/metadata/kubernetes"), "no arrow"},
		{"shared command imports Kubernetes", "coordinator/command/open.go", imports(module + "/coordinator/kube"), "no arrow"},
		{"server imports Kubernetes' client", "server/run.go", imports("k8s.io/client-go/rest"), "k8s.io/ is for cmd/coordinator"},
		{"coordinator's program imports Kubernetes", "cmd/coordinator/main.go", imports(module+"/coordinator/metadata/kubernetes", "k8s.io/klog/v2"), ""},
		{"package imports a command", "server/run.go", imports(module + "/cmd/server"), "nothing imports a command"},
		{"test imports a command", "server/run_test.go", imports(module + "/cmd/server"), "nothing imports a command"},
		{"command imports another", "cmd/server/main.go", imports(module + "/cmd/client"), "nothing imports a command"},
		{"command imports its own package", "cmd/server/main.go", imports(module + "/cmd/server/flags"), ""},
		{"package without a place", "cache/lru.go", imports("fmt"), "no place in the picture"},
		{"file in the root", "main.go", imports("fmt"), "package . has no place"},

		{"long file", "kv/long.go", "package kv\n" + long, "has 501 lines"},
		{"file as long as may be", "kv/long.go", long[3:] + "package kv\n", ""},
		{"long test", "kv/long_test.go", "package kv\n" + long, "has 501 lines"},
		{"long generated file", "kv/long.go", "// Code generated by hand. DO NOT EDIT.\npackage kv\n" + long, ""},

		{"file called util", "kv/util.go", "package kv\n", `"util" says nothing`},
		{"file called helpers, among words", "kv/key_helpers_test.go", "package kv\n", `"helpers" says nothing`},
		{"package called common", "server/common/x.go", "package common\n", `"common" says nothing`},
		{"file whose name has an empty word inside", "kv/database.go", "package kv\n", ""},
		{"package without doc.go", undocumented + "/x.go", "package x\n", "has no doc.go"},
		{"doc.go without a comment", undocumented + "/doc.go", "package x\n", "has no doc.go"},
		{"tests alone need no doc.go", undocumented + "/x_test.go", "package x\n", ""},
		{"test data is no package", "kv/testdata/util.go", "package x\n", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			breaches := checkTree(t, c.path, c.text)
			switch {
			case c.wants == "" && len(breaches) > 0:
				t.Errorf("caught what keeps the rules: %v", breaches)
			case c.wants != "" && !mentions(breaches, c.wants):
				t.Errorf("got %v, want a breach with %q", breaches, c.wants)
			}
		})
	}
}

func TestUnreadableSourceIsAnError(t *testing.T) {
	_, err := Check(fstest.MapFS{"kv/x.go": {Data: []byte("pack")}}, module)
	if err == nil {
		t.Error("a file that does not parse passed")
	}
}

// checkTree checks a tree of one file, and of a doc.go beside it unless the test is
// about that.
func checkTree(t *testing.T, name, text string) []Breach {
	t.Helper()
	tree := fstest.MapFS{name: {Data: []byte(text)}}
	if dir := path.Dir(name); dir != undocumented {
		tree[path.Join(dir, "doc.go")] = &fstest.MapFile{Data: []byte("// Package x is.\npackage x\n")}
	}
	breaches, err := Check(tree, module)
	if err != nil {
		t.Fatal(err)
	}
	return breaches
}

// undocumented is the one package of the test that is given no doc.go.
const undocumented = "server/undocumented"

func mentions(breaches []Breach, text string) bool {
	return slices.ContainsFunc(breaches, func(b Breach) bool { return strings.Contains(b.String(), text) })
}

func imports(paths ...string) string {
	text := "package x\n"
	for _, p := range paths {
		text += "import _ \"" + p + "\"\n"
	}
	return text
}
