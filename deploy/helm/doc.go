// Package helm has the chart of Ostraka, in ostraka/, and nothing in Go but tests of what
// the chart and deploy/kubernetes say of the programs beside them: that alerts and
// dashboards ask for metrics and labels that there are, that each alert has its page in
// docs/runbooks, and that coordinators accept the cluster configurations.
//
// What the chart renders is tested in deploy/test, a module of its own.
package helm
