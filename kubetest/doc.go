// Package kubetest has the tests on a real Kubernetes: kube-apiserver and etcd, built from
// their Go modules and run on loopback. scripts/kube-api runs them.
package kubetest
