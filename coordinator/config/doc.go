// Package config is what an operator wants of a cluster: the cluster configuration
// file, in YAML, whose keys are the lowerCamelCase of the fields of
// api/metadata.proto's ClusterConfiguration.
//
// # What the caller is promised
//
//  1. Parse is strict: an unknown key, a key twice, a value of the wrong type, and
//     anything that no cluster could be run with are refused. The error (Problems)
//     lists all that is wrong at once, each with its line, its field and a remedy.
//  2. What Parse and Validate accept is complete: names, addresses and durations need
//     no further check, and every namespace fits on the servers.
//  3. A Source always has a configuration in force. A file that went bad changes
//     nothing: Status tells that it is bad, and why, until it is mended.
//  4. A Source notices every change of its file: by the file system's events, also
//     where the file is a link into a directory that is swapped as a whole (as
//     Kubernetes mounts a ConfigMap), and by looking now and then, should the file
//     system send none.
//  5. Update replaces the file at once and durably, or not at all. It refuses to
//     overwrite what somebody else changed meanwhile (ErrChanged) and what may not be
//     written (ErrReadOnly). Comments in the file are not kept.
//
// # What the caller owes
//
// A configuration that was handed out is shared and never changed; Update gives its
// function a copy. Close ends a Source's goroutine and waits for it.
//
// # Concurrency
//
// A Source may be used by many goroutines. The functions keep no state.
//
// # Where things are
//
// parse.go has the way from YAML to the message, render.go the way back,
// validate.go what must hold, problem.go how it is told when it does not, text.go what
// all places of a configuration have in common, and source.go, watch.go and replace.go
// the file. Package configmap has the one in Kubernetes.
package config
