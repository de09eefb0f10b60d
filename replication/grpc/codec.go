package grpc

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/grpc/wire"
)

// codecName is the content subtype by which both ends choose the codec below. The
// bytes are those that the standard one would make of api.PeerFrame.
const codecName = "ostraka-peer"

func init() { encoding.RegisterCodecV2(codec{}) }

// item is an envelope that waits, with its size in a frame.
type item struct {
	envelope replication.Envelope
	size     int
}

// outFrame is a frame to be written, inFrame one that was read from a link.
type (
	outFrame struct {
		items []item
		bytes int
	}
	inFrame struct {
		link  wire.Link
		frame wire.Frame
		bytes int
	}
)

// codec puts package wire in the place of the generated code.
type codec struct{}

// Name implements encoding.CodecV2.
func (codec) Name() string { return codecName }

// Marshal implements encoding.CodecV2.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*outFrame)
	if !ok {
		return nil, fmt.Errorf("%s: cannot write %T", codecName, v)
	}
	pool := mem.DefaultBufferPool()
	if mem.IsBelowBufferPoolingThreshold(f.bytes) {
		return mem.BufferSlice{mem.SliceBuffer(f.write(make([]byte, 0, f.bytes)))}, nil
	}
	buffer := pool.Get(f.bytes)
	*buffer = f.write((*buffer)[:0])
	return mem.BufferSlice{mem.NewBuffer(buffer, pool)}, nil
}

func (f *outFrame) write(b []byte) []byte {
	for i := range f.items {
		b = wire.Append(b, &f.items[i].envelope)
	}
	return b
}

// Unmarshal implements encoding.CodecV2.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*inFrame)
	if !ok {
		return fmt.Errorf("%s: cannot read %T", codecName, v)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	f.bytes = buffer.Len()
	var err error
	f.frame, err = wire.Read(buffer.ReadOnlyData(), f.link)
	return err
}
