package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ostraka-db/ostraka/kubetest/controlplane"
)

// operator is the module that the definitions of the Prometheus Operator's kinds are had
// from.
const operator = "github.com/prometheus-operator/prometheus-operator@v0.85.0"

// definedWithin bounds how long the API server takes to serve a kind that it was told of.
const definedWithin = time.Minute

// cluster is a real API server, to which resources are given.
type cluster struct {
	plane    *controlplane.ControlPlane
	config   *rest.Config
	client   dynamic.Interface
	warnings *warnings
}

// warnings keeps what the API server warns of.
type warnings struct{ said []string }

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.said = append(w.said, text) }

// start starts an API server that knows the kinds of the Prometheus Operator.
func start(t *testing.T) *cluster {
	t.Helper()
	binary, err := controlplane.Binary()
	if err != nil {
		t.Fatalf("nothing was validated by an API server: %v (scripts/deploy-test does that)", err)
	}
	plane, err := controlplane.Start(t.TempDir(), binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plane.Close)
	path, err := plane.Kubeconfig(controlplane.Admin, "default")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	w := &warnings{}
	config.QPS, config.WarningHandler = -1, w
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{plane: plane, config: config, client: client, warnings: w}
	c.define(t)
	return c
}

// define tells the API server of the kinds of the Prometheus Operator, and waits until it
// serves them.
func (c *cluster) define(t *testing.T) {
	t.Helper()
	out, diagnostics, err := run(t, "../tools", "go", "mod", "download", "-json", operator)
	if err != nil {
		t.Fatalf("download %s: %v\n%s", operator, err, diagnostics)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"servicemonitors", "prometheusrules"} {
		text, err := os.ReadFile(filepath.Join(module.Dir, "example/prometheus-operator-crd/monitoring.coreos.com_"+kind+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, definition := range parse(t, text) {
			if err := c.create(t, definition, ""); err != nil {
				t.Fatalf("%s: %v", definition.id(), err)
			}
		}
		served := schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: kind}
		for deadline := time.Now().Add(definedWithin); ; time.Sleep(50 * time.Millisecond) {
			_, err := c.client.Resource(served).List(t.Context(), metav1.ListOptions{})
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s are not served: %v", kind, err)
			}
		}
	}
}

// create gives a resource to the API server, which is to refuse whatever it does not
// know. A resource that names no namespace is made in the one that is given.
func (c *cluster) create(t *testing.T, r resource, namespace string) error {
	t.Helper()
	// Numbers as JSON has them.
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return err
	}
	d, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(d)
	if err != nil {
		return err
	}
	kind := object.GroupVersionKind()
	mapping, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	var into dynamic.ResourceInterface = c.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == "namespace" {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		into = c.client.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	_, err = into.Create(t.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	return err
}

// makeNamespace makes a namespace in which only pods of the restricted kind are taken.
func (c *cluster) makeNamespace(t *testing.T, name string) {
	t.Helper()
	labels := map[string]any{"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
	for _, r := range []resource{
		{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": labels}},
		// Which elsewhere a controller makes.
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default"}},
	} {
		if err := c.create(t, r, name); err != nil {
			t.Fatal(err)
		}
	}
}

// accept has the API server take all of a rendering, and of each workload a pod.
func (c *cluster) accept(t *testing.T, rendering map[string]resource, namespace string) {
	t.Helper()
	c.warnings.said = nil
	// A pod is refused without its account.
	ids := slices.SortedFunc(maps.Keys(rendering), func(a, b string) int {
		return strings.Compare(rank(a), rank(b))
	})
	for _, id := range ids {
		if err := c.create(t, rendering[id], namespace); err != nil && !(strings.HasPrefix(id, "Namespace/") && apierrors.IsAlreadyExists(err)) {
			t.Errorf("%s is refused: %v", id, err)
		}
	}
	for _, id := range ids {
		template, ok := rendering[id].at("spec", "template").(map[string]any)
		if !ok {
			continue
		}
		pod := resource{"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
		metadata := maps.Clone(template["metadata"].(map[string]any))
		metadata["name"] = "pod-of-" + strings.ToLower(strings.ReplaceAll(id, "/", "-"))
		pod["metadata"] = metadata
		// The controller of a StatefulSet adds these volumes.
		if claims, ok := rendering[id].at("spec", "volumeClaimTemplates").([]any); ok {
			spec := maps.Clone(template["spec"].(map[string]any))
			volumes := slices.Clone(spec["volumes"].([]any))
			for i := range claims {
				volumes = append(volumes, map[string]any{
					"name":     resource(claims[i].(map[string]any)).at("metadata", "name"),
					"emptyDir": map[string]any{},
				})
			}
			spec["volumes"] = volumes
			pod["spec"] = spec
		}
		if err := c.create(t, pod, namespace); err != nil {
			t.Errorf("a pod of %s is refused: %v", id, err)
		}
	}
	for _, text := range c.warnings.said {
		t.Errorf("the API server warns: %s", text)
	}
}

// rank orders resources as they have to be made.
func rank(id string) string {
	for i, kind := range []string{"Namespace/", "ServiceAccount/"} {
		if strings.HasPrefix(id, kind) {
			return fmt.Sprint(i, id)
		}
	}
	return "9" + id
}

// TestAPIServerAccepts: a real API server takes every overlay, and the chart under every
// file of values, strictly, and pods of all of them where only restricted ones are taken.
func TestAPIServerAccepts(t *testing.T) {
	c := start(t)
	t.Run("strict", c.strict)
	for _, overlay := range []struct{ name, namespace string }{
		{"dev", "ostraka-dev"}, {"staging", "ostraka-staging"}, {"production", "ostraka"},
	} {
		t.Run("overlay "+overlay.name, func(t *testing.T) {
			c.accept(t, parse(t, kustomize(t, "overlays", overlay.name)), overlay.namespace)
		})
	}
	for name, args := range map[string][]string{
		"defaults":   nil,
		"dev":        {"--values", filepath.Join(absolute(t, chartDir), "values-dev.yaml")},
		"staging":    {"--values", filepath.Join(absolute(t, chartDir), "values-staging.yaml")},
		"production": {"--values", filepath.Join(absolute(t, chartDir), "values-production.yaml")},
		"everything": {
			"--set", "external.enabled=true,external.domain=db.example.com,external.ingress.enabled=true,external.annotations.dns=\\{host\\}",
			"--set", "server.wal.enabled=true,server.wal.storageClassName=fast,scaleDown.from=5,image.pullSecrets[0]=registry",
			"--set", "serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true,service.type=LoadBalancer",
			"--set", "networkPolicy.apiServer.cidrs[0]=10.0.0.1/32,commonLabels.team=storage,server.priorityClassName=system-cluster-critical",
		},
	} {
		t.Run("chart "+name, func(t *testing.T) {
			namespace := "chart-" + name
			c.makeNamespace(t, namespace)
			c.accept(t, parse(t, helmTemplate(t, namespace, args...)), namespace)
		})
	}
}

// strict: what the API server is given is really looked at.
func (c *cluster) strict(t *testing.T) {
	c.makeNamespace(t, "strict")
	for text, reason := range map[string]string{
		"{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 1}], selectr: {a: b}}}":                                    "selectr",
		"{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: s}, spec: {selector: {}, endpoints: [{prt: metrics}]}}": "prt",
		"{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}":                                          "restricted",
	} {
		var r map[string]any
		if err := yaml.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if err := c.create(t, r, "strict"); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: the error does not name %s: %v", text, reason, err)
		}
	}
}
