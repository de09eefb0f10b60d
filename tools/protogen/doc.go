// Command protogen turns .proto files into Go, without a protoc installation.
//
// It compiles the files named on its command line in process and hands the
// result to a protoc plug-in, speaking the protocol that protoc speaks with its
// plug-ins. scripts/generate is the one way it is run; versions are pinned in
// tools/go.mod.
package main
