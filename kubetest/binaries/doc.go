// Command binaries is the programs of a Kubernetes control plane in one: the name that
// it is run by, or else its first argument, says which it is.
//
//	kube-apiserver   the API server
//	etcd             where that keeps its objects
//
// It is of a module of its own, because Kubernetes' modules can be used only with a
// replacement of each, and are many. One link of all programs takes a third of the time
// and of the disk of one each. Package kubetest/controlplane builds and runs it.
package main
