// Package kubernetes is a metadata provider on a Kubernetes API server: the documents
// in a few ConfigMaps, the lease in a Lease.
//
// # The objects
//
// The documents are packed into a fixed number of ConfigMaps, whose names are those of
// Names: status, status-1, status-2 and so on. Which of them has a document is a hash of
// its key, the same for ever for one number of objects (Place). Each has its documents as
// one text (package packed), under the key status.json, or compressed, under
// status.json.gz, from 32 KiB on:
//
//	kubectl get configmap status-1 -o jsonpath='{.binaryData.status\.json\.gz}' | base64 -d | gunzip
//
// The number of objects is written in each of them, and a provider with another number is
// refused: keys would be looked for where they are not. With DefaultObjects, 10,000 shards
// on servers with long names are 8 MB of text, and 0.74 MB in the objects; the largest has
// 0.29 MB, most of it the cluster's own document (TestTenThousandShards). An update that
// would make an object larger than MaxObjectBytes is refused before it is sent; the API
// server's own limit is 1 MiB.
//
// The lease is a Lease of the name of status, in an annotation; its holder and times
// are set for those who look.
//
// # Who else may touch them
//
// Nobody. Labels and annotations may be changed, and stay. A text that was edited, an
// object that was deleted, emptied, replaced by another's or put back to an earlier
// state is refused wherever it is met, with the remedy. Nothing is taken for a new
// cluster of which there is any trace: the objects are made by Open, the first one last,
// and only if the Lease was never held. Objects that were made beforehand, empty, are
// taken. They have no owner reference on purpose: what was installed may be deleted, and
// the status must not go with it.
//
// The Lease may be deleted: the coordinators then choose a leader anew. Not so when
// the status was lost.
//
// # What a Role has to allow
//
//	configmaps  get, update             by name: those of Names
//	leases      get, update, watch      by name: status
//	configmaps, leases  create          not by name: Kubernetes knows none when it asks
//
// Create is not needed for objects that were made beforehand.
//
// # How it keeps the contract
//
// A write is an update of one object on condition of its resourceVersion and uid.
// Updates that wait for the same object are merged into one write; objects are written
// side by side. Every read asks the API server for what was stored last. A request that
// had no answer, or one that says nothing certain, is told as an unknown outcome, and
// never repeated here. A conflict is told only after the object was read.
//
// Any number of providers in any number of processes may use the same objects.
package kubernetes
