// Package containers runs a Docker Compose project, harms its containers, and tells how
// they are: what internal/cluster is for processes.
//
// # What the caller is promised
//
//  1. Docker's own commands are all that is used, as an operator would: docker, and
//     docker compose or docker-compose, whichever is there.
//  2. A container that ended by itself is noticed (Project.Failed), also where Docker
//     started it again.
//  3. A container that is cut off its network has the same address and name there when
//     it is connected again.
//  4. Every command has a bound in time; an error has what Docker said.
//
// # What the caller owes
//
// A Docker Engine that answers: Open says what to do if none does. Up is followed by
// Down, or containers and volumes stay. Services have one container each.
//
// # Concurrency
//
// Methods may be called from any goroutine; of one container, one at a time.
//
// # Where things are
//
//	docker.go      running commands
//	project.go     all of a project
//	container.go   one container, and its faults
//	shards.go      who leads what, asked of the servers
package containers
