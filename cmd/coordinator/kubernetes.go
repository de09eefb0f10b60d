package main

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/klog/v2"

	"github.com/ostraka-db/ostraka/coordinator/command"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/config/configmap"
	"github.com/ostraka-db/ostraka/coordinator/kube"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/kubernetes"
)

// openKubernetes opens what is kept in Kubernetes.
func openKubernetes(ctx context.Context, s command.KubernetesSettings, logger *slog.Logger) (metadata.Provider, config.Source, error) {
	// What Kubernetes' client logs is to look like everything else.
	klog.SetSlogLogger(logger)
	if err := kubernetes.CheckNames(s.Status, s.Objects); err != nil {
		return nil, nil, err
	}
	client, err := kube.Connect(kube.Options{Kubeconfig: s.Kubeconfig, Namespace: s.Namespace, Logger: logger})
	if err != nil {
		return nil, nil, fmt.Errorf("%w (--kubeconfig, --k8s-namespace)", err)
	}
	provider, err := kubernetes.Open(ctx, kubernetes.Options{Client: client, Status: s.Status, Objects: s.Objects, Logger: logger})
	if err != nil || s.Config == "" {
		return provider, nil, err
	}
	source, err := configmap.Open(ctx, client, s.Config, logger)
	if err != nil {
		_ = provider.Close() // the error before says more
		return nil, nil, err
	}
	return provider, source, nil
}
