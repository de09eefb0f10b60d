package storage

import "fmt"

// Kind says what a server keeps its data on.
type Kind uint8

const (
	// OnDisk is the file system of Options.FS. What was promised survives a crash.
	OnDisk Kind = iota
	// InMemory is for development and tests: everything is gone when the process
	// ends, and the next run is another disk. See CheckMemory.
	InMemory
)

// String returns the kind as ParseKind reads it.
func (k Kind) String() string {
	switch k {
	case OnDisk:
		return "disk"
	case InMemory:
		return "memory"
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// ParseKind reads a kind as users write it: disk or memory.
func ParseKind(name string) (Kind, error) {
	for _, k := range []Kind{OnDisk, InMemory} {
		if k.String() == name {
			return k, nil
		}
	}
	return OnDisk, fmt.Errorf("storage is %q: must be disk or memory", name)
}

// MemoryError says that replicas were to be kept in memory alone, where a majority
// that restarts has lost what it acknowledged.
type MemoryError struct{ ReplicationFactor int }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("storage is memory, and the replication factor is %d: a replica that restarts has lost its data, and a majority that does loses the shard; set storage to disk, or the replication factor to 1, or force it",
		e.ReplicationFactor)
}

// CheckMemory refuses storage in memory with a replication factor above 1, unless it
// is forced. Whoever asks for replicas wants to survive what memory does not: each
// server that restarts has to be replaced under a new identity, as one whose disk
// was wiped. The error is a *MemoryError.
func CheckMemory(replicationFactor int, force bool) error {
	if replicationFactor > 1 && !force {
		return &MemoryError{ReplicationFactor: replicationFactor}
	}
	return nil
}
