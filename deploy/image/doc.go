// Command image builds the container image of Ostraka, for several platforms at once,
// and without any container engine: scripts/image runs it.
//
//	go run ./deploy/image [-o ostraka.tar] [-platform linux/amd64,linux/arm64] [-tag ostraka:latest] [-version 1.2.3]
//
// # What the image is
//
// Nothing but static programs (ostraka, and coordinator with what only it can do), the
// license, and /data, which belongs to the user that they run as: a number, and not
// root. There is no shell, no package, no /tmp, and nothing is written but under /data,
// so that the root may be read-only. Names are resolved by Go's own resolver. There are
// no certificates of authorities: who needs some mounts them, and names them by
// SSL_CERT_FILE.
//
// # What the caller is promised
//
//  1. One commit and one Go toolchain make one image, byte by byte, wherever and
//     whenever it is built: times are those of the commit, paths of the machine and what
//     the environment says of building are kept out. A tree with changes says so in its
//     version.
//  2. The file is an OCI image layout in a tar, which skopeo, podman, crane and
//     containerd read and push. One that has a single platform is a Docker archive as
//     well, for the docker load of any age.
//  3. It is there in whole or not at all: it is renamed when it is complete.
//
// # Why it is written out here
//
// A layer is a tar, and the rest are four small JSON documents: the standard library has
// all of it. Libraries of this (go-containerregistry) bring an engine's and a registry's
// dependencies, which we do not use. A Dockerfile would need an engine, and would be a
// second description of the same image.
//
// # Where things are
//
//	source.go    what is built: commit, time, version
//	programs.go  the programs, for one platform
//	contents.go  what is in the image, and how it is run
//	layer.go     files as a layer
//	formats.go   the documents of OCI and of Docker
//	archive.go   all of it in one file
package main
