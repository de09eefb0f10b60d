package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// resource is a Kubernetes object as YAML has it.
type resource map[string]any

// id is what a resource is known by.
func (r resource) id() string { return fmt.Sprintf("%v/%v", r["kind"], r.at("metadata", "name")) }

// at is what is found along keys of mappings and positions of lists; nil if there is
// nothing.
func (r resource) at(path ...any) any {
	var here any = map[string]any(r)
	for _, step := range path {
		switch key := step.(type) {
		case string:
			fields, ok := here.(map[string]any)
			if !ok {
				return nil
			}
			here = fields[key]
		case int:
			list, ok := here.([]any)
			if !ok || key >= len(list) {
				return nil
			}
			here = list[key]
		}
	}
	return here
}

// parse reads rendered YAML.
func parse(t *testing.T, text []byte) map[string]resource {
	t.Helper()
	found := map[string]resource{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		// yaml would make all mappings within of the type that it is given.
		var fields map[string]any
		err := decoder.Decode(&fields)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("what was rendered is not YAML: %v", err)
		}
		if fields == nil {
			continue
		}
		r := resource(fields)
		if _, twice := found[r.id()]; twice {
			t.Errorf("%s is rendered twice", r.id())
		}
		found[r.id()] = r
	}
}

// ofHelm are the labels that only an installation by Helm has.
var ofHelm = []string{"helm.sh/chart", "app.kubernetes.io/managed-by"}

// plain makes a resource such that two that mean the same are equal: without the
// labels of Helm, and with texts of YAML as what they say.
func plain(t *testing.T, r resource) resource {
	t.Helper()
	r = maps.Clone(r)
	metadata := maps.Clone(r["metadata"].(map[string]any))
	if labels, ok := metadata["labels"].(map[string]any); ok {
		labels = maps.Clone(labels)
		for _, name := range ofHelm {
			delete(labels, name)
		}
		metadata["labels"] = labels
	}
	r["metadata"] = metadata
	if data, ok := r["data"].(map[string]any); ok {
		data = maps.Clone(data)
		for name, text := range data {
			if strings.HasSuffix(name, ".yaml") {
				var said any
				if err := yaml.Unmarshal([]byte(text.(string)), &said); err != nil {
					t.Errorf("%s: %s is not YAML: %v", r.id(), name, err)
				}
				data[name] = said
			}
		}
		r["data"] = data
	}
	return r
}

// compare reports where two sets of resources differ, but for those that only one of
// them has to have.
func compare(t *testing.T, one string, ones map[string]resource, other string, others map[string]resource, onlyOnes, onlyOthers []string) {
	t.Helper()
	for _, side := range []struct {
		name        string
		here, there map[string]resource
		only        []string
	}{{one, ones, others, onlyOnes}, {other, others, ones, onlyOthers}} {
		for _, id := range slices.Sorted(maps.Keys(side.here)) {
			if _, both := side.there[id]; both == slices.Contains(side.only, id) {
				t.Errorf("%s is in %s: in the other too is %v", id, side.name, both)
			}
		}
		for _, id := range side.only {
			if side.here[id] == nil {
				t.Errorf("%s should be in %s, and is not", id, side.name)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ones)) {
		if others[id] == nil {
			continue
		}
		for _, d := range differences("", any(map[string]any(plain(t, ones[id]))), any(map[string]any(plain(t, others[id])))) {
			t.Errorf("%s differs: %s: %s has %s", id, one, other, d)
		}
	}
}

// differences lists the paths at which two values differ.
func differences(path string, a, b any) []string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := maps.Clone(x)
		maps.Copy(keys, y)
		var found []string
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			found = append(found, differences(path+"."+key, x[key], y[key])...)
		}
		return found
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		// Mounts are a set, and merging by kustomize has an order of its own.
		if strings.HasSuffix(path, ".volumeMounts") {
			x, y = sortedByName(x), sortedByName(y)
		}
		var found []string
		for i := range x {
			found = append(found, differences(fmt.Sprintf("%s[%d]", path, i), x[i], y[i])...)
		}
		return found
	default:
		if a == b {
			return nil
		}
	}
	return []string{fmt.Sprintf("at %s %#v and not %#v", path, b, a)}
}

func sortedByName(list []any) []any {
	return slices.SortedFunc(slices.Values(list), func(a, b any) int {
		return strings.Compare(fmt.Sprint(a.(map[string]any)["name"]), fmt.Sprint(b.(map[string]any)["name"]))
	})
}
