// Package cluster is everything a run runs on: the network, the services, the node
// processes, and the handles by which a nemesis hurts them.
//
// Contract:
//
//  1. Start returns when every node has answered init. A node that cannot be started
//     says nothing about the system under test, so it is an error of Start, not a
//     Problem.
//  2. From then on, whatever shows a node to be wrong (it ended by itself, it printed
//     what is no message, it did not come back after a kill) is a Problem. The first
//     one closes Broken.
//  3. A killed node is off the network: what waits for it, and what is sent to it, is
//     lost. Start runs it again with the same arguments in the same directory, and
//     sends init again; until that is answered, all else that is sent to it is lost.
//  4. Close ends every process and goroutine, and waits for them.
package cluster
