package config

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

const full = `namespaces:
  - name: default
    initialShardCount: 4
    replicationFactor: 3
    notificationsEnabled: false
    keySorting: natural
    antiAffinities:
      - labels: [zone]
        mode: strict
servers:
  - name: s1
    public: one:6648
    internal: one:6649
  - public: two:6648
    internal: two:6649
  - name: "3"
    public: tls://three:6648
    internal: "[::1]:6649"
allowExtraAuthorities: ["lb:443"]
serverMetadata:
  s1:
    labels: {zone: a}
  two:6649:
    labels: {zone: b}
loadBalancer:
  scheduleInterval: 30s
  quarantineTime: 5m
coordinators:
  - name: c1
    publicAddress: one:6651
autoSplit:
  enabled: true
  maxShardSizeMb: 512
  maxShardsPerNamespace: 64
`

func TestEveryKeyIsRead(t *testing.T) {
	c, err := Parse("cluster.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := &api.ClusterConfiguration{
		Namespaces: []*api.Namespace{{
			Name: "default", InitialShardCount: 4, ReplicationFactor: 3, NotificationsEnabled: new(bool), KeySorting: "natural",
			AntiAffinities: []*api.AntiAffinity{{Labels: []string{"zone"}, Mode: "strict"}},
		}},
		Servers: []*api.DataServerIdentity{
			{Name: proto.String("s1"), Public: "one:6648", Internal: "one:6649"},
			{Public: "two:6648", Internal: "two:6649"},
			{Name: proto.String("3"), Public: "tls://three:6648", Internal: "[::1]:6649"},
		},
		AllowExtraAuthorities: []string{"lb:443"},
		ServerMetadata: map[string]*api.DataServerMetadata{
			"s1": {Labels: map[string]string{"zone": "a"}}, "two:6649": {Labels: map[string]string{"zone": "b"}},
		},
		LoadBalancer: &api.LoadBalancer{ScheduleInterval: "30s", QuarantineTime: "5m"},
		Coordinators: []*api.Coordinator{{Name: "c1", PublicAddress: "one:6651"}},
		AutoSplit:    &api.AutoSplitConfig{Enabled: true, MaxShardSizeMb: 512, MaxShardsPerNamespace: 64},
	}
	if !proto.Equal(c, want) {
		t.Errorf("read %v\nwant %v", c, want)
	}
}

func TestNothingIsAConfiguration(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "{}", "null", "namespaces:\nservers:\n", "loadBalancer:\n"} {
		if _, err := Parse("f", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Each line that an operator may get wrong is told with its number, its field and
// what to do.
func TestWhatIsRefused(t *testing.T) {
	const servers = "servers:\n- {public: \"a:1\", internal: \"a:2\"}\n- {public: \"b:1\", internal: \"b:2\"}\n"
	namespace := func(line string) string {
		return servers + "namespaces:\n- name: n\n  initialShardCount: 1\n  replicationFactor: 1\n" + line
	}
	cases := []struct{ name, text, want string }{
		{"no YAML", "a: [", "f:1: is not YAML"},
		{"a list", "- a", `f:1: is a list: must be keys with values`},
		{"two documents", "{}\n---\n{}\n", "more than one document"},
		{"unknown key", "servers: []\nnamespace: []\n", `f:2: namespace: unknown key; known here are allowExtraAuthorities`},
		{"snake case", "allow_extra_authorities: []\n", `f:1: allow_extra_authorities: unknown key; write allowExtraAuthorities`},
		{"unknown key inside", namespace("  shards: 3\n"), `f:8: namespaces[0].shards: unknown key; known here are`},
		{"key twice", "servers: []\nservers: []\n", "f:2: servers: is set twice, first in line 1: remove one"},
		{"alias", "servers: &s []\nnamespaces: *s\n", "f:2: namespaces: anchors and aliases are not supported"},
		{"alias in a list", "allowExtraAuthorities: [&a \"x:1\", *a]\n", "allowExtraAuthorities[1]: anchors and aliases"},
		{"mapping for a list", "servers: {a: b}\n", "f:1: servers: is a mapping: must be a list"},
		{"list for a value", "servers:\n- public: []\n", "f:2: servers[0].public: is a list: must be a single value"},
		{"text for a number", namespace("  notificationsEnabled: 1\n"), `f:8: namespaces[0].notificationsEnabled: is "1": must be true or false`},
		{"negative", servers + "namespaces:\n- name: n\n  initialShardCount: -1\n", `f:6: namespaces[0].initialShardCount: is "-1": must be a whole number from 0 to 4294967295`},
		{"too large", "autoSplit: {maxShardSizeMb: 18446744073709551616}\n", "must be a whole number from 0 to 18446744073709551615"},

		{"no shards", servers + "namespaces:\n- name: n\n  initialShardCount: 0\n  replicationFactor: 1\n", "f:6: namespaces[0].initialShardCount: is 0: must be from 1 to 16384"},
		{"no replicas", servers + "namespaces:\n- name: n\n  initialShardCount: 1\n", "f:5: namespaces[0].replicationFactor: is 0: must be at least 1"},
		{"too few servers", servers + "namespaces:\n- name: n\n  initialShardCount: 1\n  replicationFactor: 3\n", "f:7: namespaces[0].replicationFactor: is 3, and there are 2 servers: lower it, or add servers"},
		{"no name", servers + "namespaces:\n- initialShardCount: 1\n  replicationFactor: 1\n", "f:5: namespaces[0].name: is missing"},
		{"bad name", servers + "namespaces:\n- name: a/b\n  initialShardCount: 1\n  replicationFactor: 1\n", `f:5: namespaces[0].name: is "a/b": must begin with a letter or digit`},
		{"dots in a name", servers + "namespaces:\n- name: a..b\n  initialShardCount: 1\n  replicationFactor: 1\n", "single dots"},
		{"same name", namespace("- name: n\n  initialShardCount: 1\n  replicationFactor: 1\n"), `f:8: namespaces[1].name: is "n", as is namespaces[0].name`},
		{"sorting", namespace("  keySorting: alphabetic\n"), `f:8: namespaces[0].keySorting: is "alphabetic": must be hierarchical or natural`},
		{"affinity without labels", namespace("  antiAffinities: [{mode: strict}]\n"), "antiAffinities[0].labels: must name at least one label"},
		{"affinity of no mode", namespace("  antiAffinities: [{labels: [zone]}]\n"), `antiAffinities[0].mode: is "": must be strict or relaxed`},

		{"server name with a slash", "servers:\n- {name: coordinator/a, public: \"a:1\", internal: \"a:2\"}\n", "servers[0].name: is \"coordinator/a\": must begin"},
		{"no address", "servers:\n- {public: \"a:1\"}\n", "servers[0].internal: is missing: must be host:port"},
		{"no port", "servers:\n- {public: a, internal: \"a:2\"}\n", `servers[0].public: is "a": must be host:port`},
		{"bad port", "servers:\n- {public: \"a:70000\", internal: \"a:2\"}\n", "the port must be a number from 1 to 65535"},
		{"port zero", "servers:\n- {public: \"a:0\", internal: \"a:2\"}\n", "the port must be"},
		{"same server twice", servers + "- {public: \"c:1\", internal: \"a:2\"}\n", `f:4: servers[2].internal: is "a:2", as is servers[0].internal`},
		{"same public address", servers + "- {public: \"a:1\", internal: \"c:2\"}\n", `servers[2].public: is "a:1", as is servers[0].public`},
		{"same name of servers", "servers:\n- {name: a, public: \"a:1\", internal: \"a:2\"}\n- {name: a, public: \"b:1\", internal: \"b:2\"}\n", `f:3: servers[1].name: is "a", as is servers[0].name`},
		{"one port for both", "servers:\n- {public: \"a:1\", internal: \"a:1\"}\n", "which is the public address too"},
		{"labels of nobody", servers + "serverMetadata:\n  c:2: {labels: {zone: a}}\n", "f:5: serverMetadata.c:2: there is no such server"},

		{"authority", "allowExtraAuthorities: [\"http://x\"]\n", "allowExtraAuthorities[0]: is \"http://x\": the port must be"},
		{"coordinator without an address", "coordinators: [{name: c}]\n", "coordinators[0].publicAddress: is missing"},
		{"coordinators of one name", "coordinators: [{name: c, publicAddress: \"a:1\"}, {name: c, publicAddress: \"b:1\"}]\n", "coordinators[1].name"},
		{"duration", "loadBalancer: {scheduleInterval: 30}\n", `loadBalancer.scheduleInterval: is "30": must be a duration above zero, as 30s or 5m`},
		{"negative duration", "autoSplit:\n  cooldownPeriod: -1s\n", "f:2: autoSplit.cooldownPeriod"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f", []byte(c.text))
			if err == nil {
				t.Fatalf("accepted:\n%s", c.text)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error:\n%v\nwant in it:\n%s", err, c.want)
			}
		})
	}
}

func TestAllProblemsAreToldAtOnceInTheOrderOfLines(t *testing.T) {
	_, err := Parse("cluster.yaml", []byte("namespaces:\n- name: a b\n  initialShardCount: 0\nservers:\n- public: x\n"))
	var problems *Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error is %v", err)
	}
	var lines []int
	for _, p := range problems.List {
		lines = append(lines, p.Line)
	}
	want := []int{2, 2, 3, 5, 5} // the factor that is missing is told at its namespace
	if len(lines) != len(want) {
		t.Fatalf("told:\n%v", err)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("lines %v, want %v:\n%v", lines, want, err)
			break
		}
	}
}

func TestTooLargeAFileIsRefused(t *testing.T) {
	_, err := Parse("f", []byte(strings.Repeat("#", MaxBytes+1)))
	if err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("error is %v", err)
	}
}

// What is written is read again as it was.
func TestRenderedConfigurationsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &api.ClusterConfiguration{}
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]([a-z0-9.]?[a-z0-9])*`), 1, 5, rapid.ID).Draw(t, "servers")
		for _, name := range names {
			c.Servers = append(c.Servers, &api.DataServerIdentity{Name: &name, Public: name + ":1", Internal: name + ":2"})
			c.ServerMetadata = map[string]*api.DataServerMetadata{name: {Labels: map[string]string{
				rapid.String().Draw(t, "label"): rapid.StringMatching(`[ -~]*`).Draw(t, "value"),
			}}}
		}
		n := &api.Namespace{
			Name: "n", InitialShardCount: uint32(rapid.IntRange(1, 100).Draw(t, "shards")),
			ReplicationFactor: uint32(rapid.IntRange(1, len(names)).Draw(t, "factor")),
			KeySorting:        rapid.SampledFrom([]string{"", "natural", "hierarchical"}).Draw(t, "sorting"),
		}
		if rapid.Bool().Draw(t, "told") {
			n.NotificationsEnabled = proto.Bool(rapid.Bool().Draw(t, "enabled"))
		}
		c.Namespaces = append(c.Namespaces, n)
		c.AutoSplit = &api.AutoSplitConfig{Enabled: rapid.Bool().Draw(t, "split")}
		text, err := Render(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("f", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !proto.Equal(c, back) && !proto.Equal(withoutEmpty(c), withoutEmpty(back)) {
			t.Fatalf("wrote %v\nread %v\n%s", c, back, text)
		}
	})
}

// withoutEmpty drops what Render need not write.
func withoutEmpty(c *api.ClusterConfiguration) *api.ClusterConfiguration {
	c = proto.CloneOf(c)
	if !c.GetAutoSplit().GetEnabled() {
		c.AutoSplit = nil
	}
	return c
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("{}"))
	f.Add([]byte("servers: [{public: a}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("f", text)
		if err != nil {
			var problems *Problems
			if !errors.As(err, &problems) || len(problems.List) == 0 {
				t.Fatalf("refused without saying why: %v", err)
			}
			return
		}
		again, err := Render(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse("f", again); err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
	})
}

// A label of a tab and a line's end was rendered as a block, whose beginning cannot be
// told from its indentation.
func TestLabelsOfWhiteSpaceAreRead(t *testing.T) {
	for _, label := range []string{"\t\n", "\n", " \n x\n", "\t", "a\nb", "\r\n"} {
		want := &api.ClusterConfiguration{
			Servers:        []*api.DataServerIdentity{{Name: proto.String("a"), Public: "a:1", Internal: "a:2"}},
			ServerMetadata: map[string]*api.DataServerMetadata{"a": {Labels: map[string]string{"l" + label: label}}},
		}
		text, err := Render(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse("f", text); err != nil || !proto.Equal(got, want) {
			t.Errorf("label %q: %v\n%s", label, err, text)
		}
	}
}
