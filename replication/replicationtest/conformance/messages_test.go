package conformance

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
)

// The core's set of messages is closed, by a method that each type has: a new one
// has to be entered here too.
func TestEveryMessageIsThereOnce(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "..", "message.go"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range Messages() {
		got = append(got, reflect.TypeOf(m).Name())
	}
	want := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^func \((\w+)\) message\(\)`).FindAllSubmatch(source, -1) {
		want[string(found[1])] = true
	}
	for _, name := range got {
		if !want[name] {
			t.Errorf("%s is there twice, or is no message", name)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}
