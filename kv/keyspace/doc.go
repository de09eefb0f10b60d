// Package keyspace is what servers and clients must agree on about keys: which
// shard a key belongs to, and which of two keys comes first.
//
// It is a package of its own, without the storage engine behind it, so that a
// client sorts and routes by the very code that its servers sort and route by.
package keyspace
