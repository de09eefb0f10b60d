// Command maelstrom-runner tests Maelstrom nodes without a JVM: it runs node programs,
// connects them by a simulated network with faults, plays clients, and judges what
// they saw. Flags, messages, services, workloads and schedules are those of Maelstrom.
//
// # Workloads
//
// lin-kv is checked for linearizability; txn-list-append and txn-rw-register for strict
// serializability, or for serializability if asked (internal/anomaly says what is found,
// and what cannot be); unique-ids and echo for what their names say.
//
// # Faults
//
//	--nemesis partition,kill,pause,loss,duplicate,slow --nemesis-interval 2 --recovery-time 5
//
// injects all faults at once, each on a schedule of its own. Messages are lost and come
// twice between nodes only: that network is what a node may not trust, while a client
// stands beside its node, and a service is the bench's. A slow node's messages take up
// to a third of a second longer, and others overtake them.
//
// With --recovery-time all faults end at the time limit. Clients give up what they still
// wait for; then every node must answer with success within --recovery-goal (2 s), or
// the run is invalid.
//
// # What a run is for
//
// --expect-log PATTERN counts the lines of nodes' logs that match, in the results and
// the summary. Where there is none the verdict is unknown: what was to be tested, such
// as a snapshot that is installed, did not happen.
//
// # Seeds
//
// --seeds 1..50 runs each seed and ends with a table. --shrink searches, for the first
// seed that fails, for the fewest of its first faults with which it fails again, and says
// how to run just those: --seed 7 --first-faults 3. A seed decides operations and faults. It
// does not decide how the system schedules processes, so the same seed may fail once and
// pass once; therefore each number of faults is tried --shrink-tries times.
//
// # Exit code
//
// It exits with 0 if nothing was found wrong, 1 if something was, and 2 if it could not
// tell; with 254 if the command line makes no sense, and 255 if it failed itself.
package main
