package kube

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// The limits of requests, of one process and for each of the two kinds: about leases,
// and about everything else.
const (
	// QPS is how many requests a second are made for long. A second of a mass election
	// is two or three for each object that documents are packed into.
	QPS = 50
	// Burst is how many are made at once, before QPS counts.
	Burst = 100
)

// podNamespace has the namespace of the pod that the process runs in.
const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Options say which API server is meant.
type Options struct {
	// Kubeconfig is a file that tells how to reach it; empty in a pod, which is told.
	Kubeconfig string
	// Namespace is where the objects are; empty for the pod's own, or that of the
	// kubeconfig's context.
	Namespace string
	// Logger is told of the API server's warnings.
	Logger *slog.Logger
}

// Client is a connection to an API server, for the objects of one namespace.
type Client struct {
	Namespace  string
	ConfigMaps corev1.ConfigMapInterface
	Leases     coordinationv1.LeaseInterface
}

// Connect returns a client. It asks nothing of the API server.
func Connect(o Options) (*Client, error) {
	config, namespace, err := load(o)
	if err != nil {
		return nil, err
	}
	if o.Namespace != "" {
		namespace = o.Namespace
	}
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
		return nil, fmt.Errorf("the Kubernetes namespace is %q: %s", namespace, strings.Join(problems, "; "))
	}
	config.QPS, config.Burst = QPS, Burst
	config.UserAgent = "ostraka-coordinator"
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.WarningHandler = warnings{o.Logger}
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper { return once{inner} })
	// Each client has a limit of its own.
	core, err := corev1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to Kubernetes: %w", err)
	}
	coordination, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to Kubernetes: %w", err)
	}
	return &Client{Namespace: namespace, ConfigMaps: core.ConfigMaps(namespace), Leases: coordination.Leases(namespace)}, nil
}

// load finds out how to reach the API server, and which namespace is one's own there.
func load(o Options) (*rest.Config, string, error) {
	if o.Kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, "", errors.New("connect to Kubernetes: this process is in no pod: name a kubeconfig")
		}
		if err != nil {
			return nil, "", fmt.Errorf("connect to Kubernetes: %w", err)
		}
		own, err := os.ReadFile(podNamespace)
		if err != nil && o.Namespace == "" {
			return nil, "", fmt.Errorf("find out the pod's namespace: %w; name it", err)
		}
		return config, strings.TrimSpace(string(own)), nil
	}
	loading := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: o.Kubeconfig}, &clientcmd.ConfigOverrides{})
	config, err := loading.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("connect to Kubernetes by the kubeconfig %s: %w", o.Kubeconfig, err)
	}
	namespace, _, err := loading.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("read the namespace of the kubeconfig %s: %w", o.Kubeconfig, err)
	}
	return config, namespace, nil
}

// once keeps client-go from repeating what changes something: it does so when it is told
// when to come back, and then takes the effect of its first request for a conflict.
type once struct{ inner http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := o.inner.RoundTrip(r)
	if err == nil && r.Method != http.MethodGet {
		response.Header.Del("Retry-After")
	}
	return response, err
}

// warnings logs what the API server warns of.
type warnings struct{ logger *slog.Logger }

// HandleWarningHeader implements rest.WarningHandler.
func (w warnings) HandleWarningHeader(_ int, _, text string) {
	w.logger.Warn("the Kubernetes API server warns", "warning", text)
}
