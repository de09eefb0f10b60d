package kubernetes

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ostraka-db/ostraka/coordinator/kube/fakeapi"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// keyIn returns a key whose document is in one of the objects.
func keyIn(object int) string { return keysIn(object, 1)[0] }

func keysIn(object, n int) []string {
	var keys []string
	for i := 0; len(keys) < n; i++ {
		if key := fmt.Sprintf("shard/%d", i); Place(key, objects) == object {
			keys = append(keys, key)
		}
	}
	return keys
}

func configMap(s *fakeapi.Server, name string) *corev1.ConfigMap {
	found, _ := s.Get("configmaps", fakeapi.Namespace, name).(*corev1.ConfigMap)
	return found
}

// What others do to the objects is told with the remedy, to those who had them open and
// to those who open them, and is never taken for what was stored.
func TestWhatOthersDoIsRefused(t *testing.T) {
	const second = status + "-1"
	edit := func(change func(*corev1.ConfigMap)) func(*fakeapi.Server, *corev1.ConfigMap) {
		return func(s *fakeapi.Server, _ *corev1.ConfigMap) {
			c := configMap(s, second)
			change(c)
			s.Put("configmaps", fakeapi.Namespace, c)
		}
	}
	for _, c := range []struct {
		name string
		do   func(s *fakeapi.Server, earlier *corev1.ConfigMap)
		want string
		// later says that only those who knew it before can tell.
		later bool
	}{
		{"deleted", func(s *fakeapi.Server, _ *corev1.ConfigMap) { s.Delete("configmaps", fakeapi.Namespace, second) }, "it was deleted", false},
		{"emptied", edit(func(c *corev1.ConfigMap) { c.Data = nil }), "neither status.json nor", false},
		{"edited", edit(func(c *corev1.ConfigMap) {
			c.Data[plainKey] = strings.Replace(c.Data[plainKey], `"n":2`, `"n":3`, 1)
		}), "remove the checksum", false},
		{"cut off", edit(func(c *corev1.ConfigMap) { c.Data[plainKey] = c.Data[plainKey][:40] }), "it is not whole", false},
		{"in both forms", edit(func(c *corev1.ConfigMap) { c.BinaryData = map[string][]byte{compressedKey: nil} }), "it has both", false},
		{"compressed, and not", edit(func(c *corev1.ConfigMap) {
			c.BinaryData, c.Data = map[string][]byte{compressedKey: []byte("text")}, nil
		}), "not compressed as it should be", false},
		{"of another object", func(s *fakeapi.Server, _ *corev1.ConfigMap) {
			c := configMap(s, status+"-2")
			c.Name = second
			s.Put("configmaps", fakeapi.Namespace, c)
		}, "it is a copy of object 2 of the status status", false},
		{"put back", func(s *fakeapi.Server, earlier *corev1.ConfigMap) { s.Put("configmaps", fakeapi.Namespace, earlier) },
			"put back to an earlier state, from after 3 writes to after 2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t)
			p, key := opened(t, s), keyIn(1)
			mustUpdate(t, p, change(key, `{"n":1}`, 0))
			earlier := configMap(s, second)
			mustUpdate(t, p, change(key, `{"n":2}`, 1))
			c.do(s, earlier)
			told := func(what string, err error) {
				t.Helper()
				if err == nil || errors.Is(err, metadata.ErrConflict) || !strings.Contains(err.Error(), c.want) ||
					!strings.Contains(err.Error(), "ConfigMap status-1 in namespace here is refused") || !strings.Contains(err.Error(), "Restore it from a copy") {
					t.Errorf("%s: %v, want %q", what, err, c.want)
				}
			}
			_, err := p.List(t.Context(), "")
			told("list", err)
			told("update", p.Update(t.Context(), []metadata.Change{change(key, `{"n":4}`, 2)})[0])
			if again, err := Open(t.Context(), options(s.Client(t))); !c.later {
				if err == nil {
					_ = again.Close()
				}
				if c.name == "emptied" || c.name == "deleted" {
					c.want = "it was deleted or emptied, and others of the status are there"
				}
				told("open", err)
			} else if err != nil || again.Close() != nil {
				t.Errorf("after a restart it is what there is: %v", err)
			}
		})
	}
}

// Labels are not the provider's, and a rival's write is no damage.
func TestLabelsMayBeChanged(t *testing.T) {
	s := server(t)
	p, key := opened(t, s), keyIn(0)
	mustUpdate(t, p, change(key, `1`, 0))
	labelled := configMap(s, status)
	labelled.Labels["team"] = "storage"
	labelled.Data["note"] = "by hand"
	s.Put("configmaps", fakeapi.Namespace, labelled)
	mustUpdate(t, p, change(key, `2`, 1))
	if c := configMap(s, status); c.Labels["team"] != "storage" || c.Data["note"] != "by hand" || c.Annotations["ostraka.io/about"] == "" {
		t.Errorf("there is %v %v", c.Labels, c.Data)
	}
}

// A status that was there is not made anew; one that never was is made by however many
// at once.
func TestOnlyWhatNeverWasIsMade(t *testing.T) {
	s := server(t)
	var together sync.WaitGroup
	for range 5 {
		together.Go(func() {
			p, err := Open(t.Context(), options(s.Client(t)))
			if err == nil {
				err = p.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	p := opened(t, s)
	mustUpdate(t, p, change(keyIn(1), `1`, 0))
	refused := func(want string, o Options) {
		t.Helper()
		again, err := Open(t.Context(), o)
		if err == nil {
			_ = again.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	more := options(s.Client(t))
	for _, more.Objects = range []int{1, 2, 4, 16} {
		refused(fmt.Sprintf("was made with 3 objects, and this process is to use %d: its number never changes, set it to 3", more.Objects), more)
	}
	s.Delete("configmaps", fakeapi.Namespace, status)
	refused("others of the status are there", options(s.Client(t)))
	if err := p.WriteLease(t.Context(), metadata.Lease{Holder: "a", Run: 1}, 0); err != nil {
		t.Fatal(err)
	}
	for _, name := range Names(status, objects) {
		s.Delete("configmaps", fakeapi.Namespace, name)
	}
	refused("the Lease status was held, so there was a status", options(s.Client(t)))
	s.Delete("leases", fakeapi.Namespace, status)
	if all, err := opened(t, s).List(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("a new cluster has %v, %v", all, err)
	}
}

// A process that dies while it makes the objects leaves what the next one finishes.
func TestCrashesWhileTheObjectsAreMade(t *testing.T) {
	for steps := 0; ; steps++ {
		s := server(t)
		p, err := Open(t.Context(), options(s.Doomed(t, steps)))
		if steps < 2*objects-1 && err == nil {
			t.Fatalf("made after %d steps", steps)
		}
		if err == nil {
			_ = p.Close()
			return
		}
		mustUpdate(t, opened(t, s), change("cluster", `1`, 0))
	}
}

// Objects may be made beforehand, so that nobody needs a right to create any.
func TestObjectsMadeBeforehandAreTaken(t *testing.T) {
	s := server(t)
	s.Intercept(func(r *http.Request) error {
		if r.Method == http.MethodPost {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no right"))
		}
		return nil
	})
	if _, err := Open(t.Context(), options(s.Client(t))); err == nil ||
		!strings.Contains(err.Error(), "create ConfigMap status-2 in namespace here") || !strings.Contains(err.Error(), "let the Role") {
		t.Errorf("without any right: %v", err)
	}
	for _, name := range Names(status, objects) {
		s.Put("configmaps", fakeapi.Namespace, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	s.Put("leases", fakeapi.Namespace, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: status}})
	p := opened(t, s)
	mustUpdate(t, p, change("cluster", `1`, 0))
	if err := p.WriteLease(t.Context(), metadata.Lease{Holder: "a", Run: 1}, 0); err != nil {
		t.Error(err)
	}
}

// A Lease of another program, or a damaged one, is not taken; one that was deleted
// is free.
func TestWhatOthersDoToTheLease(t *testing.T) {
	s := server(t)
	p := opened(t, s)
	held := metadata.Lease{Holder: "a", Run: 5}
	if err := p.WriteLease(t.Context(), held, 0); err != nil {
		t.Fatal(err)
	}
	now := s.Get("leases", fakeapi.Namespace, status).(*coordinationv1.Lease)
	if *now.Spec.HolderIdentity != "a" || *now.Spec.LeaseTransitions != 1 || now.Spec.RenewTime == nil {
		t.Errorf("kubectl shows %+v", now.Spec)
	}
	now.Labels["team"] = "storage"
	s.Put("leases", fakeapi.Namespace, now)
	if err := p.WriteLease(t.Context(), held, 1); err != nil {
		t.Errorf("after a change of labels: %v", err)
	}
	s.Delete("leases", fakeapi.Namespace, status)
	if err := p.WriteLease(t.Context(), held, 2); !errors.Is(err, metadata.ErrConflict) {
		t.Errorf("a deleted lease was renewed: %v", err)
	}
	if _, version, err := p.ReadLease(t.Context()); version != 0 || err != nil {
		t.Errorf("a deleted lease has version %d, %v", version, err)
	}
	other := "somebody"
	for _, c := range []struct {
		lease *coordinationv1.Lease
		want  string
	}{
		{&coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &other}}, "somebody holds it, which is no coordinator"},
		{&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{leaseAnnotation: "{"}}}, "is damaged"},
		{&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{leaseAnnotation: "{}"}}}, "versions count from 1"},
	} {
		c.lease.Name = status
		s.Put("leases", fakeapi.Namespace, c.lease)
		if _, _, err := p.ReadLease(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("read: %v, want %q", err, c.want)
		}
		if err := p.WriteLease(t.Context(), held, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("write: %v, want %q", err, c.want)
		}
	}
}

func TestWrongNamesAreRefused(t *testing.T) {
	for _, c := range []struct {
		status  string
		objects int
		want    string
	}{
		{"", 1, `the name of the status is ""`},
		{"Status", 1, `the name of the status is "Status"`},
		{strings.Repeat("s", 252), 8, "leave room for a number"},
		{"s", 0, "must be from 1 to 64"},
		{"s", 65, "must be from 1 to 64"},
	} {
		if _, err := Open(t.Context(), Options{Status: c.status, Objects: c.objects}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q and %d: %v", c.status, c.objects, err)
		}
	}
}
