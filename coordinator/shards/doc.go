// Package shards connects the shards' documents, as the replication core knows them,
// to a metadata provider: it is the core's MetadataStore for a coordinator.
//
// # What the caller is promised
//
//  1. Load and CompareAndSet never block. What waits while the provider is at work is
//     given to it together, so that a thousand elections at once are a few calls. Each
//     is answered once, within Options.Within; a compare-and-set whose outcome is not
//     certain is StoreUnknown.
//  2. Answers are given to Options.Complete, from the store's goroutines, several at a
//     time.
//  3. Options.Written is told of a document before its store is asked for (Begun) and
//     after it was stored (Done), and of those that were loaded (Done).
//  4. A document is stored with every field of the core's, as JSON, under Key; what
//     cannot be read is an error, never a document without something.
//
// # What the caller owes
//
// Complete and Written do not block, and do not call the store. Load and CompareAndSet
// are called by one goroutine. Close is called once, after the last of them.
package shards
