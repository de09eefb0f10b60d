// Package metrics measures a coordinator, for Prometheus: elections by cause, writes
// of documents, and what the coordinator knows of the cluster at each scrape. Every
// metric is in the table of definitions, from which docs/metrics.md is made. The names
// begin with ostraka_coordinator_; the labels have few values each.
//
// New registers all of it at once; a second coordinator in a process needs another
// registry. Metrics may be told and scraped by many goroutines.
package metrics
