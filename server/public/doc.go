// Package public serves the clients of a data server: the services OxiaClient, under
// its two names, and Ostraka.
//
// # What a client is promised
//
//  1. A read, of whatever kind, sees every write that was answered before it began.
//  2. The writes of one stream are proposed and answered in the order in which they
//     came. When a stream ends with an error, every write before it was answered; the
//     error is that of the first one that was not.
//  3. An error with the reason NODE_IS_NOT_LEADER, RESOURCE_UNAVAILABLE,
//     NOT_INITIALIZED or SHARD_NOT_FOUND says that nothing of the request happened, and
//     nothing of what came after it on its stream: it may be sent again. What may have
//     happened ends with OUTCOME_UNKNOWN. Requests that are refused for what they are
//     have the code INVALID_ARGUMENT, and a message that names the field and the
//     remedy; nothing was proposed.
//  4. Long answers come in parts, at the client's pace. A client that does not read
//     holds up its own stream and nothing else.
//
// # What the caller owes
//
// The guard's interceptors stand before the services. The host outlives the calls: the
// gRPC server is stopped first, then Close waits for what calls have left behind.
//
// # Where things are
//
//	service.go               what all calls begin with
//	guard.go                 who may call, and when
//	error.go                 errors, as clients are told them
//	assignment.go            the shard map
//	write.go, stream.go      writes
//	read.go, scan.go, slot.go  reads, ranges, and how many may be open
//	session.go              sessions
//	follow.go, sequence.go, notification.go  keeping clients up to date
//	transaction.go, once.go, question.go, status.go  the service Ostraka
//	limits.go                every bound
package public
