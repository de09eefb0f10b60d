// Package deploy tests what Kubernetes is given: the Helm chart, the kustomize base,
// components and overlays, and the alerts.
//
// The chart is the source of the base: TestBase renders the chart and compares, and with
// -rewrite writes the base and the components. TestOverlays holds each overlay against
// the chart with the values of the same name, resource by resource.
//
// TestAPIServerAccepts gives all of it to a real API server (kubetest), strictly.
//
// Helm and kustomize come from deploy/tools at pinned versions; promtool must be
// installed (apt-get install prometheus). It is a module of its own so that none of what
// it needs becomes one of the product's.
package deploy
