// Package failover measures how long writes stop when the leader is killed.
//
// Contract:
//
//  1. Every node is probed with a write every ProbeInterval, whatever became of earlier
//     ones: probes that hang must not hide that writes go on again.
//  2. A failover begins when the leader is killed (kill -9) and ends when a write that
//     was sent to another node after that is answered with success.
//  3. The leader is the last node that printed a line that matches a pattern. Without a
//     pattern nodes are tried in turn, and a kill that writes did not notice counts as
//     none: longer than the calm before it, by a clear margin, is noticed.
//  4. Between trials the killed node is started again and must answer a write. Writes
//     acknowledged around the kill are read back from every node: what is missing makes
//     the history wrong.
//  5. Every probe has a key of its own, so the history is easy to judge. Run returns
//     when all of its goroutines have ended.
package failover
