package command

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/file"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
)

// run opens what the settings name, and coordinates until the context is done.
func (p program) run(ctx context.Context, s *settings, logger *slog.Logger) (err error) {
	provider, source, err := p.open(ctx, s, logger)
	if err != nil {
		return err
	}
	defer func() {
		if closing := errors.Join(provider.Close(), source.Close()); closing != nil {
			err = failedError{errors.Join(err, closing)}
		}
	}()
	if err := serve(ctx, s, provider, source, logger); err != nil {
		return failedError{err}
	}
	return nil
}

// open returns where the coordinator keeps what it knows, and what it should bring
// about. The configuration comes first: it is what operators write.
func (p program) open(ctx context.Context, s *settings, logger *slog.Logger) (metadata.Provider, config.Source, error) {
	if s.provider == providerKubernetes && s.kubernetes.Config != "" {
		provider, source, err := p.kubernetes(ctx, s.kubernetes, logger)
		if err != nil {
			return nil, nil, failedError{err}
		}
		return provider, source, nil
	}
	source, err := config.OpenFile(s.configPath, logger)
	if err != nil {
		return nil, nil, err
	}
	provider, err := p.openMetadata(ctx, s, logger)
	if err != nil {
		_ = source.Close() // the error before says more
		return nil, nil, failedError{err}
	}
	return provider, source, nil
}

func (p program) openMetadata(ctx context.Context, s *settings, logger *slog.Logger) (metadata.Provider, error) {
	switch s.provider {
	case providerMemory:
		logger.Warn("the cluster's status is in memory: with this process the cluster is lost")
		return memory.NewStore().Open(), nil
	case providerRaft:
		return openRaft(s.raft, logger)
	case providerKubernetes:
		provider, _, err := p.kubernetes(ctx, s.kubernetes, logger)
		return provider, err
	}
	return file.Open(s.statusPath, logger)
}
