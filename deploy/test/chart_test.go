package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rendered is the chart with values that are set.
func rendered(t *testing.T, set ...string) map[string]resource {
	t.Helper()
	var args []string
	for _, one := range set {
		args = append(args, "--set", one)
	}
	return parse(t, helmTemplate(t, "ostraka", args...))
}

func expect(t *testing.T, r resource, wanted any, path ...any) {
	t.Helper()
	if got := r.at(path...); fmt.Sprint(got) != fmt.Sprint(wanted) {
		t.Errorf("%s: %v is %v, not %v", r.id(), path, got, wanted)
	}
}

// within reads a text of YAML in a ConfigMap.
func within(t *testing.T, r resource, key string) resource {
	t.Helper()
	text, _ := r.at("data", key).(string)
	var said map[string]any
	if err := yaml.Unmarshal([]byte(text), &said); err != nil {
		t.Fatalf("%s: %s: %v", r.id(), key, err)
	}
	return said
}

// TestLint: Helm has nothing to say against the chart, whatever the values.
func TestLint(t *testing.T) {
	for _, values := range []string{"values.yaml", "values-dev.yaml", "values-staging.yaml", "values-production.yaml"} {
		tool(t, "helm", "lint", "--strict", absolute(t, chartDir), "--values", filepath.Join(absolute(t, chartDir), values))
	}
}

// TestSchemaRefuses: a mistake in a value is named before anything is installed.
func TestSchemaRefuses(t *testing.T) {
	for set, told := range map[string]string{
		"server.replica=3":                          "replica",
		"server.replicas=three":                     "server/replicas",
		"server.logLevel=loud":                      "server/logLevel",
		"server.drainTimeout=20":                    "server/drainTimeout",
		"server.zoneSpread=Maybe":                   "server/zoneSpread",
		"coordinator.statusObjects=65":              "coordinator/statusObjects",
		"cluster.namespaces[0].initialShardCount=1": "name",
		"service.type=ExternalName":                 "service/type",
		"external.enabled=true":                     "external.domain",
	} {
		if why := helmRefuses(t, "--set", set); !strings.Contains(why, told) {
			t.Errorf("--set %s: the error does not name %s:\n%s", set, told, why)
		}
	}
}

// TestSchemaKnowsAllValues: each value of values.yaml has a place in the schema, so that
// none is refused for its name, and each of the schema's has a line in values.yaml.
func TestSchemaKnowsAllValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chartDir, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema resource
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	values, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := yaml.Unmarshal(values, &defaults); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, schema resource, value map[string]any)
	walk = func(path string, schema resource, value map[string]any) {
		properties, _ := schema.at("properties").(map[string]any)
		for name, one := range properties {
			given, there := value[name]
			if !there && path+name != "global" { // which Helm adds itself
				t.Errorf("%s%s is in the schema, and values.yaml does not tell of it", path, name)
			}
			if nested, ok := given.(map[string]any); ok && len(nested) > 0 { // what is empty is told of as a whole
				walk(path+name+".", one.(map[string]any), nested)
			}
		}
	}
	walk("", schema, defaults)
}

func TestServersInTheConfiguration(t *testing.T) {
	r := rendered(t, "server.replicas=5", "cluster.namespaces[0].name=orders", "cluster.namespaces[0].replicationFactor=5",
		"cluster.namespaces[1].name=users", "cluster.allowExtraAuthorities[0]=db.example.com:6648")
	cluster := within(t, r["ConfigMap/ostraka-config"], "cluster.yaml")
	expect(t, cluster, "ostraka-server-4", "servers", 4, "name")
	expect(t, cluster, "ostraka-server-4.ostraka-server.ostraka.svc.cluster.local:6648", "servers", 4, "public")
	expect(t, cluster, "ostraka-server-4.ostraka-server.ostraka.svc.cluster.local:6649", "servers", 4, "internal")
	expect(t, cluster, nil, "servers", 5)
	expect(t, cluster, 5, "namespaces", 0, "replicationFactor")
	expect(t, cluster, 3, "namespaces", 1, "replicationFactor")
	expect(t, cluster, "db.example.com:6648", "allowExtraAuthorities", 4)
	expect(t, r["StatefulSet/ostraka-server"], 5, "spec", "replicas")
}

func TestExternal(t *testing.T) {
	r := rendered(t, "external.enabled=true", "external.domain=db.example.com", "external.port=443", "external.type=ClusterIP",
		"external.ingress.enabled=true", "external.ingress.className=nginx", `external.annotations.dns=\{host\}`)
	cluster := within(t, r["ConfigMap/ostraka-config"], "cluster.yaml")
	expect(t, cluster, "ostraka-server-1.db.example.com:443", "servers", 1, "public")
	// Servers and coordinators still meet inside.
	expect(t, cluster, "ostraka-server-1.ostraka-server.ostraka.svc.cluster.local:6649", "servers", 1, "internal")
	service := r["Service/ostraka-server-1-external"]
	expect(t, service, "1", "spec", "selector", "apps.kubernetes.io/pod-index")
	expect(t, service, "ostraka-server-1.db.example.com", "metadata", "annotations", "dns")
	expect(t, service, 443, "spec", "ports", 0, "port")
	ingress := r["Ingress/ostraka-server"]
	expect(t, ingress, "nginx", "spec", "ingressClassName")
	expect(t, ingress, "ostraka-server-2.db.example.com", "spec", "rules", 2, "host")
	expect(t, ingress, "ostraka-server-2-external", "spec", "rules", 2, "http", "paths", 0, "backend", "service", "name")
}

func TestVolumes(t *testing.T) {
	plain := rendered(t)["StatefulSet/ostraka-server"]
	expect(t, plain, nil, "spec", "volumeClaimTemplates", 0, "spec", "storageClassName")
	expect(t, plain, nil, "spec", "volumeClaimTemplates", 1)
	r := rendered(t, "server.storage.storageClassName=slow", "server.wal.enabled=true", "server.wal.storageClassName=fast")
	set := r["StatefulSet/ostraka-server"]
	expect(t, set, "slow", "spec", "volumeClaimTemplates", 0, "spec", "storageClassName")
	expect(t, set, "fast", "spec", "volumeClaimTemplates", 1, "spec", "storageClassName")
	expect(t, set, "wal", "spec", "template", "spec", "containers", 0, "volumeMounts", 1, "name")
	expect(t, within(t, r["ConfigMap/ostraka-settings"], "server.yaml"), "/wal/log", "storage", "wal", "dir")
}

// TestStatusIsNamedInTheRole: a coordinator may touch the objects of its own cluster's
// status, as many as it is told to use, and no other.
func TestStatusIsNamedInTheRole(t *testing.T) {
	r := rendered(t, "fullnameOverride=blue", "coordinator.statusObjects=3")
	role := r["Role/blue-coordinator"]
	expect(t, role, "[blue-status blue-status-1 blue-status-2]", "rules", 0, "resourceNames")
	expect(t, role, "[blue-status]", "rules", 1, "resourceNames")
	settings := within(t, r["ConfigMap/blue-settings"], "coordinator.yaml")
	expect(t, settings, "blue-status", "metadata", "kubernetes", "statusName")
	expect(t, settings, 3, "metadata", "kubernetes", "statusObjects")
}

// TestScaleDown: the hook empties the servers that go, the last one first, and is there
// only if any go.
func TestScaleDown(t *testing.T) {
	drained := func(r resource, path ...any) string {
		return fmt.Sprint(r.at(append([]any{"spec", "template", "spec"}, append(path, "args")...)...))
	}
	job := rendered(t, "server.replicas=3", "scaleDown.from=5", "scaleDown.timeout=1h")["Job/ostraka-scale-down"]
	if job == nil {
		t.Fatal("there is no hook")
	}
	const at = "--wait --timeout=1h --admin-address=ostraka-coordinator.ostraka.svc.cluster.local:6651]"
	if got := drained(job, "initContainers", 0); got != "[admin dataserver drain ostraka-server-4 "+at {
		t.Errorf("first: %s", got)
	}
	if got := drained(job, "containers", 0); got != "[admin dataserver drain ostraka-server-3 "+at {
		t.Errorf("last: %s", got)
	}
	expect(t, job, nil, "spec", "template", "spec", "initContainers", 1)
	for _, set := range [][]string{{"scaleDown.from=3"}, {"scaleDown.from=2"}, {"scaleDown.from=5", "scaleDown.drain=false"}} {
		if rendered(t, set...)["Job/ostraka-scale-down"] != nil {
			t.Errorf("%v: there is a hook, and no server goes, or none is to be emptied", set)
		}
	}
}

// TestPodsAreRestricted: every pod that the chart ever runs is of the restricted kind, with
// a root that cannot be written to, and limits.
func TestPodsAreRestricted(t *testing.T) {
	r := rendered(t, "server.replicas=1", "scaleDown.from=3", "server.wal.enabled=true")
	pods := map[string][]any{
		"Deployment/ostraka-coordinator": {"spec", "template", "spec"}, "StatefulSet/ostraka-server": {"spec", "template", "spec"},
		"Job/ostraka-scale-down": {"spec", "template", "spec"}, "Pod/ostraka-test": {"spec"},
	}
	for id, path := range pods {
		spec, ok := r[id].at(path...).(map[string]any)
		if !ok {
			t.Fatalf("there is no %s", id)
		}
		pod := resource{"kind": id, "metadata": map[string]any{"name": "pod"}, "spec": spec}
		expect(t, pod, true, "spec", "securityContext", "runAsNonRoot")
		expect(t, pod, "RuntimeDefault", "spec", "securityContext", "seccompProfile", "type")
		for _, kind := range []string{"initContainers", "containers"} {
			containers, _ := spec[kind].([]any)
			for i := range containers {
				at := []any{"spec", kind, i}
				security := append(at, "securityContext")
				expect(t, pod, false, append(security, "allowPrivilegeEscalation")...)
				expect(t, pod, true, append(security, "readOnlyRootFilesystem")...)
				expect(t, pod, "[ALL]", append(security, "capabilities", "drop")...)
				if pod.at(append(at, "resources", "limits", "memory")...) == nil {
					t.Errorf("%s: container %d has no limit of memory", id, i)
				}
			}
		}
	}
}

// TestGracePeriod: a server is given longer to stop than it takes.
func TestGracePeriod(t *testing.T) {
	spec := rendered(t)["StatefulSet/ostraka-server"]
	sleep, _ := spec.at("spec", "template", "spec", "containers", 0, "lifecycle", "preStop", "sleep", "seconds").(int)
	grace, _ := spec.at("spec", "template", "spec", "terminationGracePeriodSeconds").(int)
	const drain, closing = 20, 20 // drainTimeout, and what closing may take on a slow disk
	if sleep == 0 || grace < sleep+drain+closing {
		t.Errorf("a server has %d s: preStop takes %d, draining up to %d, closing up to %d", grace, sleep, drain, closing)
	}
}

// TestPullSecrets: whoever pulls the image has the registry's credentials.
func TestPullSecrets(t *testing.T) {
	r := rendered(t, "image.pullSecrets[0]=registry", "scaleDown.from=5")
	for _, id := range []string{"ServiceAccount/ostraka-server", "ServiceAccount/ostraka-coordinator"} {
		expect(t, r[id], "registry", "imagePullSecrets", 0, "name")
	}
	expect(t, r["Pod/ostraka-test"], "registry", "spec", "imagePullSecrets", 0, "name")
	expect(t, r["Job/ostraka-scale-down"], "registry", "spec", "template", "spec", "imagePullSecrets", 0, "name")
}
