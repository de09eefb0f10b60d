// Package metadata is where coordinators keep what must outlive them: the shards'
// documents, the cluster's, and the lease by which one coordinator at a time leads.
// It is the interface between coordinators and whatever stores that (a Provider).
//
// # What a provider promises
//
//  1. A document has a version, which counts its changes from 1. Update stores a
//     value if and only if the stored version is the one that the change names, zero
//     for none; ErrConflict says for certain that it did not. Nil says that it did,
//     and that a crash of every machine would not undo it. Any other error says
//     neither: it may have been stored, or may yet be. A change without a value
//     deletes the document in the same way; made again, it counts from 1.
//  2. The changes of one Update are independent of each other: one that conflicts
//     holds up no other. Those of one document are made in their order.
//  3. Updates that wait while another is under way are written together, so that a
//     thousand elections at once are a few writes.
//  4. Read and List see everything that was stored before the call.
//  5. Every call returns once its context is done. What it asked may happen later.
//  6. The lease is kept apart from the documents: to renew it costs the same however
//     many documents there are, and waits for none of them.
//  7. What was damaged is never taken for what was stored: it is reported, with the
//     remedy, when the provider is opened or when it is read.
//
// # What the caller owes
//
// Values are JSON texts of at most MaxValueBytes; they come back equal as JSON. Keys are
// of letters, digits and the characters -/._ alone. Close ends what a
// provider started and waits for it; no other call is under way then. Who gave up an
// Update, by its context, does not change the values that it had: it may still be at work.
//
// A document that is deleted and made again has the versions that it had before, so a
// change that was asked before the deletion may hit what came after it. A key is
// therefore made again only where nobody can still be changing what it was.
//
// # Concurrency
//
// A provider may be used by many goroutines, and a stored state by many providers in
// many processes, as far as the provider's own documentation says so.
//
// The packages memory, file, kubernetes and raft have providers; packed is documents as
// one text, for those that store them so; conformance has the tests that every provider
// passes.
package metadata
