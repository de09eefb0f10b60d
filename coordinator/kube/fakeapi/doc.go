// Package fakeapi is as much of a Kubernetes API server as coordinators use, for tests:
// ConfigMaps and Leases over HTTP, so that the real client with all its layers is what
// is tested. (client-go's own fake checks no resourceVersion: there, every update wins.)
//
// It checks resourceVersion and uid as the real one does, refuses ConfigMaps of more
// than 1 MiB, and serves watches with a field selector for a name. Tests against the real
// one, in kubetest/, hold it to that.
//
// Faults are injected where requests enter (Server.Intercept), or by the transport of
// one client. A Server may be used by many goroutines; Close ends it and waits.
package fakeapi
