// Package conformance has the tests that every metadata provider passes. A provider's
// own tests call Run, and RunCrashes with a seam at which its process can die.
package conformance
