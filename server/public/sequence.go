package public

import (
	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// GetSequenceUpdates implements api.OxiaClientServer. What was overtaken before it could
// be sent is left out.
func (s *Service) GetSequenceUpdates(
	req *api.GetSequenceUpdatesRequest, stream grpc.ServerStreamingServer[api.GetSequenceUpdatesResponse],
) error {
	t, err := s.target(&req.Shard)
	if err != nil {
		return err
	}
	if n := len(req.GetKey()); n == 0 || n > kv.MaxKeyBytes {
		return invalid("key", "is empty or too long", "name the prefix of a sequence")
	}
	sent := ""
	return s.follow(stream.Context(), t, func(db *kv.DB) (func() error, error) {
		key, found, err := db.HighestSequence(t.kvID(), req.GetKey())
		if err != nil || !found || key == sent {
			return nil, err
		}
		return func() error {
			sent = key
			return stream.Send(&api.GetSequenceUpdatesResponse{HighestSequenceKey: key})
		}, nil
	})
}
