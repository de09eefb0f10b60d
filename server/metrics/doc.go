// Package metrics is what a data server tells Prometheus.
//
// Every metric is in the table of definitions, from which docs/metrics.md is made. What
// happens is counted when it happens, by a [Metrics], which is the observer of the
// server's parts; what is, is looked up at the scrape, from a [Source]. Labels have few
// values, but for namespace and shard, which the metrics of a replica have.
//
// A Metrics may be used by any number of goroutines. It belongs to one server.
package metrics
