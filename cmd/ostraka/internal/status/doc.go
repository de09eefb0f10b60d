// Package status is the command that looks inside one data server: which replicas it
// holds, and how far each is.
package status
