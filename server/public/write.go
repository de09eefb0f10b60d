package public

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/server/host"
)

// Write implements api.OxiaClientServer.
func (s *Service) Write(ctx context.Context, req *api.WriteRequest) (*api.WriteResponse, error) {
	t, err := s.target(req.Shard)
	if err != nil {
		return nil, err
	}
	call, err := t.propose(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := t.await(ctx, call); err != nil {
		return nil, err
	}
	return t.written(call)
}

// propose checks a write and proposes it. After an error nothing was proposed.
func (t *target) propose(ctx context.Context, req *api.WriteRequest) (*host.Call, error) {
	if err := kv.Validate(req, t.Range); err != nil {
		return nil, t.failed(err)
	}
	payload, err := appendBody(kv.WritePayload(nil), req)
	if err != nil {
		return nil, t.failed(err)
	}
	call, err := t.host.Write(ctx, t.ID, payload)
	return call, t.failed(err)
}

// appendBody appends the bytes of a message to the header of a payload.
func appendBody(header []byte, body proto.Message) ([]byte, error) {
	payload, err := proto.MarshalOptions{}.MarshalAppend(slices.Grow(header, proto.Size(body)), body)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the request cannot be encoded: %v; send strings that are UTF-8", err)
	}
	return payload, nil
}

// await waits until a write has ended. Who does not wait so long does not know what
// became of it.
func (t *target) await(ctx context.Context, call *host.Call) error {
	select {
	case <-call.Done():
		return nil
	case <-ctx.Done():
		return unknownOutcome(t.ID)
	}
}

// written returns the answer to a write that has ended.
func (t *target) written(call *host.Call) (*api.WriteResponse, error) {
	result, _, err := call.Written()
	if err != nil {
		return nil, t.failed(err)
	}
	res := &api.WriteResponse{}
	return res, t.decode(result, res)
}

// write proposes an entry, and returns what the state machine made of it.
func (t *target) write(ctx context.Context, payload []byte) ([]byte, error) {
	call, err := t.host.Write(ctx, t.ID, payload)
	if err != nil {
		return nil, t.failed(err)
	}
	if err := t.await(ctx, call); err != nil {
		return nil, err
	}
	result, _, err := call.Written()
	return result, t.failed(err)
}

// carryOut proposes an entry, and decodes the answer of the state machine.
func (t *target) carryOut(ctx context.Context, payload []byte, into proto.Message) error {
	result, err := t.write(ctx, payload)
	if err != nil {
		return err
	}
	return t.decode(result, into)
}

// decode decodes what the state machine answered. An entry without an answer was
// carried out by none of the rules that this server checked it by.
func (t *target) decode(result []byte, into proto.Message) error {
	if len(result) == 0 {
		return status.Errorf(codes.FailedPrecondition,
			"shard %d did not carry the request out, and nothing changed; upgrade the servers to one release", t.ID)
	}
	if err := proto.Unmarshal(result, into); err != nil {
		return status.Errorf(codes.Internal, "shard %d answered what cannot be decoded: %v", t.ID, err)
	}
	return nil
}
