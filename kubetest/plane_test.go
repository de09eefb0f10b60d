package kubetest

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"

	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/kubernetes"
	"github.com/ostraka-db/ostraka/kubetest/controlplane"
)

const (
	// patience is for what comes in seconds unless something is broken.
	patience = time.Minute
	// status and objects are the name of every status, and the number of its objects.
	status  = "status"
	objects = 3
	// restricted is the user that has what a test gives it, and nothing else.
	restricted = "restricted"
)

// plane is the control plane that all tests share, with its state in a directory, and
// admin its administrator.
var (
	plane     *controlplane.ControlPlane
	directory string
	admin     *clientset.Clientset
)

func TestMain(m *testing.M) {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "kubetest:", err)
		os.Exit(1)
	}
	code := m.Run()
	plane.Close()
	if code == 0 {
		// client-go keeps connections for later; their server is gone.
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// start starts the control plane. Its directory goes with a run that passes.
func start() error {
	binary, err := controlplane.Binary()
	if err != nil {
		return err
	}
	if directory, err = os.MkdirTemp("", "ostraka-kube-"); err != nil {
		return err
	}
	fmt.Println("state and logs are in", directory)
	if plane, err = controlplane.Start(directory, binary, restricted); err != nil {
		return err
	}
	admin, err = plane.Clientset(controlplane.Admin)
	return err
}

var namespaces atomic.Int64

// namespace makes a namespace for a test.
func namespace(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", namespaces.Add(1))
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := admin.CoreV1().Namespaces().Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

// connect returns a coordinator's client as a user.
func connect(t *testing.T, user, namespace string) *kube.Client {
	t.Helper()
	file, err := plane.Kubeconfig(user, namespace)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kube.Connect(kube.Options{Kubeconfig: file, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// open opens a provider that the caller closes.
func open(t *testing.T, client *kube.Client) metadata.Provider {
	t.Helper()
	return openWith(t, client, objects)
}

func openWith(t *testing.T, client *kube.Client, objects int) metadata.Provider {
	t.Helper()
	p, err := kubernetes.Open(t.Context(), kubernetes.Options{
		Client: client, Status: status, Objects: objects, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// closing has the test close a provider.
func closing(t *testing.T, p metadata.Provider) metadata.Provider {
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// restart kills the API server and starts it again.
func restart(t *testing.T) {
	t.Helper()
	plane.KillAPIServer()
	if err := plane.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
}

// await waits until a condition holds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for begun := time.Now(); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("not so: %s", what)
		}
	}
}
