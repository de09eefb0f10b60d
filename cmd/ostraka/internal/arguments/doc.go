// Package arguments checks what stands on a command line, beside what each flag checks
// itself, and words what is wrong with it.
package arguments
