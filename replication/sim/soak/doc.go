// Soak runs fresh seeds of the simulator on all cores for a given time, and says what
// it did. A failure is told at once, then shrunk. It is what scripts/soak runs, whose
// usage it shares; its exit status is 1 if a seed failed.
package main
