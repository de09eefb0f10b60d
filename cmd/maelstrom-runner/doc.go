// Command maelstrom-runner tests Maelstrom nodes without a JVM: it runs node programs,
// connects them by a simulated network with faults, plays clients, and judges what
// they saw. Flags, messages, services, workloads and schedules are those of Maelstrom.
//
// It exits with 0 if nothing was found wrong, 1 if something was, and 2 if it could not
// tell; with 254 if the command line makes no sense, and 255 if it failed itself.
package main
