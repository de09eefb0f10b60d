// Package kube is how coordinators use a Kubernetes API server: the connection, bounds
// of requests, what a failed request means, and following an object.
//
// # What the caller is promised
//
//  1. Connect talks to the API server of the pod that it runs in, or of a kubeconfig.
//     Requests are limited to QPS a second, those about leases apart from all others,
//     so that none of these waits for documents.
//  2. No request that changes anything is sent twice. (client-go repeats what was
//     refused with a hint when to come back, though it cannot know whether the first
//     had an effect.) So a conflict means that somebody else changed the object.
//  3. Follow calls a function after each change of an object, after each time that it
//     may have missed one, and now and then besides, until its context is done. It
//     depends on no event: a watch that ends, expires or falls silent costs time alone.
//  4. Explain adds to an error what an operator can do about it.
//
// # What the caller owes
//
// Each request has a context from Bound. No proxy between here and the API server
// repeats requests by itself.
//
// # Concurrency
//
// A Client may be used by many goroutines. Follow runs until its context is done.
package kube
