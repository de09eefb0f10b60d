package client

import "context"

// Future is an operation under way, made by the methods of Async. Any number of
// goroutines may wait for it.
type Future[T any] struct {
	done   <-chan struct{}
	result func() (T, error)
}

// Done is closed when the operation has ended.
func (f *Future[T]) Done() <-chan struct{} { return f.done }

// Result waits for the operation and returns what it ended with. That it ends is up to
// the context that it was started with, and the request timeout.
func (f *Future[T]) Result() (T, error) {
	<-f.done
	return f.result()
}

// Wait is Result, but gives up waiting when the context ends; the operation goes on.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.result()
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// failed is a Future that ended before it began.
func failed[T any](err error) *Future[T] {
	done := make(chan struct{})
	close(done)
	return &Future[T]{done: done, result: func() (T, error) {
		var none T
		return none, err
	}}
}

// spawn runs do in a goroutine of the client and returns its end as a Future. At most
// maxFanOuts run at once; the caller waits for its turn.
func spawn[T any](ctx context.Context, c *Client, do func(context.Context) (T, error)) *Future[T] {
	select {
	case c.fanOuts <- struct{}{}:
	case <-ctx.Done():
		return failed[T](context.Cause(ctx))
	case <-c.ctx.Done():
		return failed[T](ErrClosed)
	}
	var value T
	var err error
	done := make(chan struct{})
	started := c.start(func() {
		defer func() { <-c.fanOuts }()
		defer close(done)
		value, err = do(ctx)
	})
	if !started {
		<-c.fanOuts
		return failed[T](ErrClosed)
	}
	return &Future[T]{done: done, result: func() (T, error) { return value, err }}
}
