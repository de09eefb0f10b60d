package public

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/server/host"
)

// Read implements api.OxiaClientServer.
func (s *Service) Read(req *api.ReadRequest, stream grpc.ServerStreamingServer[api.ReadResponse]) error {
	t, err := s.target(req.Shard)
	if err != nil {
		return err
	}
	return s.read(stream.Context(), t, req, orderHeader(stream), stream.Send)
}

// read answers lookups, in parts of about MaxChunkBytes. All see what was written
// before the call; those that are looked up together see one moment.
func (s *Service) read(
	ctx context.Context, t *target, req *api.ReadRequest, told func(*api.ShardSettings) error,
	send func(*api.ReadResponse) error,
) error {
	view, err := t.confirm(ctx)
	if err != nil {
		return err
	}
	if err := t.tellOrder(view, told); err != nil {
		return err
	}
	part, bytes := &api.ReadResponse{}, 0
	for gets := req.GetGets(); len(gets) > 0; {
		group := &api.ReadRequest{Gets: gets[:min(len(gets), readGroup)]}
		gets = gets[len(group.Gets):]
		var res *api.ReadResponse
		if err := view.Read(func(db *kv.DB) (err error) {
			res, err = db.Read(t.kvID(), group)
			return err
		}); err != nil {
			return t.failed(err)
		}
		for _, get := range res.GetGets() {
			if size := proto.Size(get); len(part.Gets) > 0 && bytes+size > api.MaxChunkBytes {
				if err := send(part); err != nil {
					return err
				}
				part, bytes = &api.ReadResponse{}, 0
			}
			part.Gets, bytes = append(part.Gets, get), bytes+proto.Size(get)
		}
	}
	return send(part)
}

// tellOrder tells a client the settings of the shard that it reads.
func (t *target) tellOrder(view host.View, told func(*api.ShardSettings) error) error {
	var settings *api.ShardSettings
	err := view.Read(func(db *kv.DB) (err error) {
		settings, err = db.Settings(t.kvID())
		return err
	})
	if err != nil {
		return t.failed(err)
	}
	return told(settings)
}

// orderHeader returns what tells the order of a shard's keys in a stream's header:
// who merges what several shards answer needs it.
func orderHeader(stream grpc.ServerStream) func(*api.ShardSettings) error {
	return func(settings *api.ShardSettings) error {
		return stream.SetHeader(metadata.Pairs(api.HeaderKeyOrder, sorting(settings)))
	}
}

// sorting is the name of the order of a shard's keys.
func sorting(settings *api.ShardSettings) string {
	if settings.GetKeyOrder() == api.KeyOrder_KEY_ORDER_NATURAL {
		return api.KeySortingNatural
	}
	return api.KeySortingHierarchical
}
