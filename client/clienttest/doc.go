// Package clienttest has servers for tests of clients: the public contract over
// connections in memory, with shards whose replicas always agree. Leadership moves when
// the test says so, servers die, and any call can be made to fail, before or after it
// was carried out, or not to end at all. Only tests import it.
//
// All methods may be called by any number of goroutines; the fields of a Shard are
// looked at and changed within Cluster.Change.
package clienttest
