package metrics

import (
	"context"
	"path"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// Unary counts calls with one answer. It is an interceptor.
func (m *Metrics) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method, began := path.Base(info.FullMethod), time.Now()
	open := m.open.WithLabelValues(method)
	open.Inc()
	defer open.Dec()
	res, err := handle(ctx, req)
	m.calls.WithLabelValues(method).Observe(time.Since(began).Seconds())
	m.total.WithLabelValues(method, status.Code(err).String()).Inc()
	return res, err
}

// Stream counts streams. It is an interceptor.
func (m *Metrics) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	method := path.Base(info.FullMethod)
	open := m.open.WithLabelValues(method)
	open.Inc()
	defer open.Dec()
	err := handle(srv, stream)
	m.total.WithLabelValues(method, status.Code(err).String()).Inc()
	return err
}
