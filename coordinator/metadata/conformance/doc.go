// Package conformance has the tests that every metadata provider passes. A
// provider's own tests call Run.
package conformance
