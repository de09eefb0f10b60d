// Package client is a client of the nodes under test: one request at a time, an
// answer or a timeout, and errors read as the protocol's table says.
//
// Contract:
//
//  1. Call sends one request and waits for the message whose in_reply_to is its
//     msg_id. Anything else in the inbox is the answer to a request given up earlier
//     and is thrown away.
//  2. msg_id starts at 1 and grows by 1.
//  3. An error is one of: ErrTimeout (nothing came), *RPCError (the node said so),
//     *MalformedReply (an answer that the protocol does not allow), or the
//     context's cause.
//  4. A Client has one user at a time and no goroutines.
package client
