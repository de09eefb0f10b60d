// Package cluster is what a data server knows of its cluster: who its servers are, and
// who leads each shard. Coordinators tell it, and the server's own replicas do.
//
// A [Map] is replaced as a whole and never changed: who holds one may read it as long
// as it likes, from any goroutine. A [Directory] holds the newest; its methods may be
// called from any goroutine.
//
// Of each shard the higher term is kept, whoever tells it, so that a coordinator that
// lags behind the shard's own replica takes nothing back.
package cluster
