// Package filewatch notices that a file may have changed: by what the file system tells
// of its directory, and, since not every file system tells anything, now and then all
// the same.
//
// # What the caller is promised
//
//  1. The function is called soon after the file was written, replaced, removed or put
//     back, or the link that it is leads elsewhere, as where Kubernetes mounts a
//     ConfigMap. Writes that follow each other closely are one call.
//  2. It is called at least each Every, changed or not, and never twice at a time.
//  3. After Close it is not called, and no goroutine is left.
//
// # What the caller owes
//
// The directory exists. The function finds out by itself what changed, if anything did,
// and does not call Close.
package filewatch
