package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

// watchLease tells when the lease's file may have changed.
func (p *provider) watchLease() {
	lease := filepath.Base(p.leasePath())
	for {
		select {
		case <-p.stop:
			return
		case event := <-p.watcher.Events:
			if filepath.Base(event.Name) == lease {
				p.tellChanged()
			}
		case err := <-p.watcher.Errors:
			p.logger.Warn("events of the cluster status's directory were lost", "file", p.path, "error", err)
			p.tellChanged()
		}
	}
}

func (p *provider) tellChanged() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// LeaseChanged implements metadata.Provider.
func (p *provider) LeaseChanged() <-chan struct{} { return p.changed }

func (p *provider) leasePath() string { return p.path + ".lease" }

// leaseText is the lease as its file has it.
type leaseText struct {
	Version int64          `json:"version"`
	Lease   metadata.Lease `json:"lease"`
}

// ReadLease implements metadata.Provider.
func (p *provider) ReadLease(ctx context.Context) (metadata.Lease, int64, error) {
	if err := ctx.Err(); err != nil {
		return metadata.Lease{}, 0, fmt.Errorf("read the lease: %w", err)
	}
	text, _, err := p.readLease()
	return text.Lease, text.Version, err
}

func (p *provider) readLease() (leaseText, stamp, error) {
	for range maxRaces {
		before, err := stampOf(p.leasePath())
		if err != nil {
			return leaseText{}, stamp{}, err
		}
		content, err := os.ReadFile(p.leasePath())
		if errors.Is(err, fs.ErrNotExist) && !before.exists {
			return leaseText{}, stamp{}, nil
		}
		if err != nil {
			return leaseText{}, stamp{}, fmt.Errorf("read the lease: %w", err)
		}
		if after, err := stampOf(p.leasePath()); err != nil || after != before {
			continue
		}
		var text leaseText
		if err := packed.DecodeOne(content, &text); err != nil || text.Version < 1 {
			return leaseText{}, stamp{}, fmt.Errorf("the lease %s is refused: %w. Stop all coordinators and remove the file",
				p.leasePath(), errors.Join(err, errors.New("it is damaged")))
		}
		return text, before, nil
	}
	return leaseText{}, stamp{}, fmt.Errorf("read the lease %s: %w, %d times", p.leasePath(), errRaced, maxRaces)
}

// WriteLease implements metadata.Provider. It writes in a goroutine of its own, which
// Close waits for: a disk need not come back before the context is done.
func (p *provider) WriteLease(ctx context.Context, lease metadata.Lease, version int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	done := make(chan error, 1)
	p.running.Go(func() { done <- p.writeLease(lease, version) })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("write the lease: %w", ctx.Err())
	}
}

func (p *provider) writeLease(lease metadata.Lease, version int64) error {
	p.leasing.Lock()
	defer p.leasing.Unlock()
	stored, before, err := p.readLease()
	if err != nil {
		return err
	}
	conflict := fmt.Errorf("write the lease over version %d, and there is %d: %w", version, stored.Version, metadata.ErrConflict)
	if stored.Version != version {
		return conflict
	}
	content, err := json.Marshal(leaseText{Version: version + 1, Lease: lease})
	if err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	_, err = p.files.replace(p.leasePath(), before, append(content, '\n'))
	if errors.Is(err, errRaced) {
		return conflict
	}
	return err
}
