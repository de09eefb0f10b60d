package controlplane

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// readyWithin bounds the start of a process, on a machine that is busy.
const readyWithin = 2 * time.Minute

// BinaryVariable names the binary of kubetest/binaries.
const BinaryVariable = "OSTRAKA_KUBE_BINARIES"

// ControlPlane is a running control plane.
type ControlPlane struct {
	dir, binary       string
	etcdPort, apiPort int
	etcd, apiServer   *process
	// tokens are those of users, by name.
	tokens map[string]string
}

// Admin is the user that may do everything.
const Admin = "admin"

// Binary returns the path of the binary.
func Binary() (string, error) {
	path := os.Getenv(BinaryVariable)
	if path == "" {
		return "", fmt.Errorf("%s is not set: run scripts/kube-api, which builds the binary and names it", BinaryVariable)
	}
	return path, nil
}

// Start starts a control plane with its state in a directory. Users may authenticate
// beside Admin; what they may do is for roles to say.
func Start(dir, binary string, users ...string) (*ControlPlane, error) {
	c := &ControlPlane{dir: dir, binary: binary, tokens: map[string]string{}}
	for _, port := range []*int{&c.etcdPort, &c.apiPort} {
		var err error
		if *port, err = freePort(); err != nil {
			return nil, err
		}
	}
	if err := c.writeSecrets(append([]string{Admin}, users...)); err != nil {
		return nil, err
	}
	if err := c.startEtcd(); err != nil {
		c.Close()
		return nil, err
	}
	if err := c.StartAPIServer(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends all processes.
func (c *ControlPlane) Close() {
	c.KillAPIServer()
	if c.etcd != nil {
		c.etcd.kill()
		c.etcd = nil
	}
}

// freePort returns a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }() // it is free again
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (c *ControlPlane) path(name string) string { return filepath.Join(c.dir, name) }

// writeSecrets writes the users' tokens and the key of service accounts' tokens.
func (c *ControlPlane) writeSecrets(users []string) error {
	var text strings.Builder
	for i, user := range users {
		c.tokens[user] = rand.Text()
		groups := ""
		if user == Admin {
			groups = `,"system:masters"`
		}
		fmt.Fprintf(&text, "%s,%s,%d%s\n", c.tokens[user], user, i+1, groups)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	return errors.Join(
		os.WriteFile(c.path("tokens.csv"), []byte(text.String()), 0o600),
		os.WriteFile(c.path("accounts.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600),
	)
}

func (c *ControlPlane) startEtcd() error {
	peerPort, err := freePort()
	if err != nil {
		return err
	}
	client, peer := c.etcdURL(), "http://127.0.0.1:"+strconv.Itoa(peerPort)
	c.etcd, err = startProcess(c.path("etcd.log"), c.binary, "etcd",
		"--data-dir", c.path("etcd"), "--unsafe-no-fsync", "--name", "etcd", "--initial-cluster", "etcd="+peer,
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer)
	if err != nil {
		return err
	}
	return c.etcd.await(func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, client+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		_ = response.Body.Close() // it was not read
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

// StartAPIServer starts the API server, and waits until it serves.
func (c *ControlPlane) StartAPIServer() error {
	var err error
	c.apiServer, err = startProcess(c.path("kube-apiserver.log"), c.binary, "kube-apiserver",
		"--etcd-servers", c.etcdURL(),
		"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", strconv.Itoa(c.apiPort),
		"--cert-dir", c.path("certificates"), "--token-auth-file", c.path("tokens.csv"),
		"--authorization-mode", "RBAC", "--anonymous-auth=false", "--service-cluster-ip-range", "10.96.0.0/16",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", c.path("accounts.key"),
		"--service-account-signing-key-file", c.path("accounts.key"))
	if err != nil {
		return err
	}
	return c.apiServer.await(func(ctx context.Context) error {
		client, err := c.Clientset(Admin)
		if err != nil {
			return err
		}
		answer, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("%w: %s", err, answer)
		}
		// It makes that namespace after that.
		_, err = client.CoreV1().RESTClient().Get().AbsPath("/api/v1/namespaces/default").DoRaw(ctx)
		return err
	})
}

// KillAPIServer ends the API server at once.
func (c *ControlPlane) KillAPIServer() {
	if c.apiServer != nil {
		c.apiServer.kill()
		c.apiServer = nil
	}
}

// Kubeconfig writes a kubeconfig of a user with a namespace, and returns its path.
func (c *ControlPlane) Kubeconfig(user, namespace string) (string, error) {
	token, known := c.tokens[user]
	if !known {
		return "", fmt.Errorf("there is no user %s", user)
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:%d", certificate-authority: %q}}]
users: [{name: u, user: {token: %q}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: %q}}]
current-context: x
`, c.apiPort, c.path("certificates/apiserver.crt"), token, namespace)
	path := c.path(user + "-" + namespace + ".kubeconfig")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// Clientset returns a client of everything, as a user.
func (c *ControlPlane) Clientset(user string) (*kubernetes.Clientset, error) {
	path, err := c.Kubeconfig(user, "default")
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("read a kubeconfig: %w", err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return client, nil
}
