package public

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/server/session"
)

// CreateSession implements api.OxiaClientServer.
func (s *Service) CreateSession(ctx context.Context, req *api.CreateSessionRequest) (*api.CreateSessionResponse, error) {
	t, err := s.target(&req.Shard)
	if err != nil {
		return nil, err
	}
	if err := kv.ValidateSession(req); err != nil {
		return nil, t.failed(err)
	}
	timeout := time.Duration(req.GetSessionTimeoutMs()) * time.Millisecond
	res := &api.CreateSessionResponse{}
	if err := t.carryOut(ctx, kv.CreateSessionPayload(timeout, req.GetClientIdentity()), res); err != nil {
		return nil, err
	}
	s.options.Sessions.Created(t.ID, res.GetSessionId(), timeout)
	s.options.Observer.SessionCreated()
	return res, nil
}

// KeepAlive implements api.OxiaClientServer.
func (s *Service) KeepAlive(ctx context.Context, req *api.SessionHeartbeat) (*api.KeepAliveResponse, error) {
	t, err := s.target(&req.Shard)
	if err != nil {
		return nil, err
	}
	err = s.options.Sessions.KeepAlive(ctx, t.ID, req.GetSessionId())
	if errors.Is(err, session.ErrNotFound) {
		return nil, sessionNotFound(t, req.GetSessionId())
	}
	if err != nil {
		return nil, t.failed(err)
	}
	return &api.KeepAliveResponse{}, nil
}

// CloseSession implements api.OxiaClientServer.
func (s *Service) CloseSession(ctx context.Context, req *api.CloseSessionRequest) (*api.CloseSessionResponse, error) {
	t, err := s.target(&req.Shard)
	if err != nil {
		return nil, err
	}
	result, err := t.write(ctx, kv.CloseSessionsPayload(req.GetSessionId()))
	if err != nil {
		return nil, err
	}
	ended, err := kv.DecodeEndedSessions(result)
	if err != nil {
		return nil, t.failed(err)
	}
	s.options.Sessions.Closed(t.ID, req.GetSessionId())
	if !slices.Contains(ended, req.GetSessionId()) {
		return nil, sessionNotFound(t, req.GetSessionId())
	}
	s.options.Observer.SessionClosed()
	return &api.CloseSessionResponse{}, nil
}

func sessionNotFound(t *target, id int64) error {
	return api.NewError(api.ReasonSessionNotFound,
		fmt.Sprintf("shard %d has no session %d: it was closed, or was not kept alive; create another", t.ID, id), nil)
}
