// Package controlplane runs a real Kubernetes control plane on loopback, for tests: etcd
// and kube-apiserver as processes, from the one binary of kubetest/binaries.
//
// # What the caller is promised
//
//  1. Start returns when the API server serves. RBAC is on, nobody is anonymous, and
//     traffic is by TLS: as in a cluster of production, but for etcd, which does not sync.
//  2. All state is in the directory that is given. Ports are free ones.
//  3. KillAPIServer ends the API server as kill -9 does; StartAPIServer starts it again,
//     at the same address, on the same etcd.
//  4. Close ends every process that was started, by its id, and waits for it. Should the
//     test die, they die too.
//
// # What the caller owes
//
// OSTRAKA_KUBE_BINARIES names the binary; Binary says so if it does not. A ControlPlane
// is used by one goroutine at a time; its clients by many.
package controlplane
