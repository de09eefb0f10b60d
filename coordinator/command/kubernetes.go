package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// Kubernetes opens what a coordinator keeps in Kubernetes: the metadata, and the
// configuration if a ConfigMap of it is named, nil otherwise. Its library is large, so only
// a program that wants it has it, by With.
type Kubernetes func(context.Context, KubernetesSettings, *slog.Logger) (metadata.Provider, config.Source, error)

// KubernetesSettings say what is where in Kubernetes.
type KubernetesSettings struct {
	// Kubeconfig is a file that tells how to reach the API server; empty in a pod.
	Kubeconfig string
	// Namespace is empty for the pod's own, or the kubeconfig's.
	Namespace string
	// Status names the ConfigMap of the cluster's status, Objects how many there are.
	Status  string
	Objects int
	// Config names the ConfigMap of the cluster configuration; empty if that is a file.
	Config string
}

// Option adds to what a command can do.
type Option func(*program)

// With lets a command keep metadata in Kubernetes.
func With(k Kubernetes) Option { return func(p *program) { p.kubernetes = k } }

// program is what a command can do.
type program struct {
	// kubernetes is nil if it is left out.
	kubernetes Kubernetes
}

// providers are the metadata providers that there are, for people.
func (p program) providers() string {
	if p.kubernetes == nil {
		return "file, raft or memory"
	}
	return "file, raft, configmap or memory"
}

// kubernetesLease has the times of leadership where a whole Kubernetes cluster shares the
// API server: one write a second, and patience while etcd compacts or elects. A holder
// that was killed is replaced within seven seconds, one that released the lease at
// once: its watch tells.
var kubernetesLease = lease.Options{Beat: time.Second, Hold: 5 * time.Second, Look: 2 * time.Second}

// kubernetesFlags are those that say something of Kubernetes.
var kubernetesFlags = []string{"k8s-namespace", "k8s-configmap-name", "k8s-status-objects", "k8s-config-name", "kubeconfig"}

// statusObjects is how many ConfigMaps have the status where nothing is said.
const statusObjects = 8

func (s *settings) registerKubernetes(flags *pflag.FlagSet, p program) {
	k := &s.kubernetes
	flags.StringVar(&k.Namespace, "k8s-namespace", "", "namespace in Kubernetes (default: the pod's own, or the kubeconfig's)")
	flags.StringVar(&k.Status, "k8s-configmap-name", "", "the first ConfigMap of the cluster's status, and its Lease, for --metadata configmap")
	flags.IntVar(&k.Objects, "k8s-status-objects", statusObjects, "how many ConfigMaps the status has; never changed for a cluster")
	flags.StringVar(&k.Config, "k8s-config-name", "", "ConfigMap of the cluster configuration, which is followed (default: the file of --cluster-config)")
	flags.StringVar(&k.Kubeconfig, "kubeconfig", "", "file that tells how to reach the API server (default: as pods are told)")
	for _, name := range kubernetesFlags {
		flags.Lookup(name).Hidden = p.kubernetes == nil
	}
}

// checkKubernetes says what is missing for metadata in Kubernetes.
func (s *settings) checkKubernetes(p program) error {
	switch {
	case p.kubernetes == nil:
		return errors.New("--metadata is configmap, which this program has not: run the program coordinator")
	case s.kubernetes.Status == "":
		return errors.New("--k8s-configmap-name is not set: name the ConfigMap of the cluster's status, one for each cluster")
	case s.kubernetes.Objects < 1:
		return fmt.Errorf("--k8s-status-objects is %d: must be at least 1", s.kubernetes.Objects)
	}
	return nil
}
