// Package api holds the wire contracts: .proto files and the Go generated from
// them by scripts/generate.
//
// client.proto is Oxia's public contract, to the number; transaction.proto is a
// contract of our own. A test pins both. A message of this package is plain data:
// it may be read by many goroutines, and written by one.
package api
