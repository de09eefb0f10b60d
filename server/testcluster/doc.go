// Package testcluster has what tests of servers need around them: a network in
// memory, and a coordinator with a metadata store in memory that holds the elections
// of the shards. Only tests import it.
package testcluster
