package kubetest

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/kubernetes"
)

// rule is one of a Role.
func rule(group, resource string, names []string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names, Verbs: verbs}
}

// The rules that the packages' documentation asks for.
var (
	statusRules = []rbacv1.PolicyRule{
		rule("", "configmaps", kubernetes.Names(status, objects), "get", "update"),
		rule("coordination.k8s.io", "leases", []string{status}, "get", "update", "watch"),
	}
	createRules = []rbacv1.PolicyRule{
		rule("", "configmaps", nil, "create"), rule("coordination.k8s.io", "leases", nil, "create"),
	}
	configRules = []rbacv1.PolicyRule{rule("", "configmaps", []string{configName}, "get", "watch", "update")}
)

// grant gives the restricted user rules in a namespace, and nothing else.
func grant(t *testing.T, namespace string, rules ...[]rbacv1.PolicyRule) {
	t.Helper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "coordinator"}}
	for _, some := range rules {
		role.Rules = append(role.Rules, some...)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "coordinator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "coordinator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: restricted}},
	}
	if _, err := admin.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// works has the restricted user do everything that a coordinator does.
func works(t *testing.T, namespace string) {
	t.Helper()
	var holder, waiter metadata.Provider
	// A Role that was just made is known to the authorizer a moment later.
	await(t, "the role is enough to open the status", func() bool {
		var err error
		holder, err = kubernetes.Open(t.Context(), kubernetes.Options{
			Client: connect(t, restricted, namespace), Status: status, Objects: objects, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil && !strings.Contains(err.Error(), "let the Role of this process's ServiceAccount") {
			t.Fatal(err)
		}
		return err == nil
	})
	closing(t, holder)
	waiter = closing(t, open(t, connect(t, restricted, namespace)))
	if err := errors.Join(holder.Update(t.Context(), []metadata.Change{
		{Key: "cluster", Value: document(1)}, {Key: "shard/1", Value: document(1)}, {Key: "shard/2", Value: document(1)},
	})...); err != nil {
		t.Error(err)
	}
	if all, err := waiter.List(t.Context(), ""); err != nil || len(all) != 3 {
		t.Errorf("%d documents, %v", len(all), err)
	}
	for version := range int64(3) {
		if err := holder.WriteLease(t.Context(), metadata.Lease{Holder: "a", Run: 1, Beat: uint64(version)}, version); err != nil {
			t.Fatal(err)
		}
		await(t, "the lease's change is told", func() bool {
			<-waiter.LeaseChanged()
			_, now, err := waiter.ReadLease(t.Context())
			return err == nil && now == version+1
		})
	}
}

// The documented Role is enough, with and without a right to create; and it is what the
// user has, and no more.
func TestDocumentedRoleIsEnough(t *testing.T) {
	t.Run("and makes the objects", func(t *testing.T) {
		ns := namespace(t)
		grant(t, ns, statusRules, createRules)
		works(t, ns)
		lease, err := admin.CoordinationV1().Leases(ns).Get(t.Context(), status, metav1.GetOptions{})
		if err != nil || *lease.Spec.HolderIdentity != "a" {
			t.Errorf("kubectl would show %+v, %v", lease.Spec, err)
		}
		others, err := plane.Clientset(restricted)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := others.CoreV1().ConfigMaps(ns).Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("the user may read another ConfigMap: %v", err)
		}
	})
	t.Run("or takes those that are there", func(t *testing.T) {
		ns := namespace(t)
		for _, name := range kubernetes.Names(status, objects) {
			c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if _, err := admin.CoreV1().ConfigMaps(ns).Create(t.Context(), c, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: status}}
		if _, err := admin.CoordinationV1().Leases(ns).Create(t.Context(), l, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		grant(t, ns, statusRules)
		works(t, ns)
	})
	t.Run("of the configuration", func(t *testing.T) {
		ns := namespace(t)
		write(t, ns, oneServer)
		grant(t, ns, configRules)
		await(t, "the role is enough to read", func() bool {
			_, err := connect(t, restricted, ns).ConfigMaps.Get(t.Context(), configName, metav1.GetOptions{})
			return err == nil
		})
		source := follow(t, restricted, ns)
		write(t, ns, twoServers)
		awaitServers(t, source, 2)
		if err := source.Update(t.Context(), func(c *api.ClusterConfiguration) error {
			c.AllowExtraAuthorities = []string{"x:1"}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

// Who may do nothing is told which verb is missing for what.
func TestMissingRightsAreNamed(t *testing.T) {
	ns := namespace(t)
	_, err := kubernetes.Open(t.Context(), kubernetes.Options{
		Client: connect(t, restricted, ns), Status: status, Objects: objects, Logger: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "get Lease status in namespace "+ns) ||
		!strings.Contains(err.Error(), "let the Role of this process's ServiceAccount get it") {
		t.Errorf("opened with %v", err)
	}
	write(t, ns, oneServer)
	grant(t, ns, []rbacv1.PolicyRule{rule("", "configmaps", []string{configName}, "get", "watch")})
	await(t, "the role is enough to read", func() bool {
		_, err := connect(t, restricted, ns).ConfigMaps.Get(t.Context(), configName, metav1.GetOptions{})
		return err == nil
	})
	source := follow(t, restricted, ns)
	if err := source.Update(t.Context(), func(c *api.ClusterConfiguration) error {
		c.AllowExtraAuthorities = []string{"x:1"}
		return nil
	}); !errors.Is(err, config.ErrReadOnly) {
		t.Errorf("updated without the right: %v", err)
	}
}
