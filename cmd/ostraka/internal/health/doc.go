// Package health is the command that asks a process how it is, for people and for
// probes: it ends with 0 if the process serves, and with 1 if not.
package health
