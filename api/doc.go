// Package api holds the wire contracts: .proto files and the Go generated from
// them by scripts/generate.
//
// client.proto, admin.proto and metadata.proto are Oxia's public contract, to the
// number; service.proto, transaction.proto and cluster.proto are a contract of our own
// beside it. coordination.proto is what coordinators and servers tell each other, and
// what they keep; peer.proto is what the replication core sends; raft.proto is what
// coordinators exchange, and keep, that have the metadata by Raft. A test pins them.
// reason.go has the errors that calls end with.
//
// A message of this package is plain data: it may be read by many goroutines, and
// written by one.
package api
