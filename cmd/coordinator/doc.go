// Command coordinator supervises a cluster: it holds the shards' elections, makes
// namespaces what the cluster configuration says, and serves administration. Any number
// may run for one cluster; one leads at a time.
//
//	coordinator --cluster-config cluster.yaml --file-clusters-status-path status.json
//
// Package coordinator/command has the flags and the file of settings.
// SIGTERM gives leadership up at once; the process then exits with 0. It exits with 1 if
// it could not do its work, and with 2 if the command line or a file is wrong.
package main
