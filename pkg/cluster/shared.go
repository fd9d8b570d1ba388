package cluster

import (
	"context"
	"sync"
)

// shared gives one answer to all who ask the same at the same time. Nobody gets
// one that was asked for before he asked himself, so that it is as fresh as his
// own would be. Its zero value is not usable: see newShared.
type shared[T any] struct {
	turn chan struct{} // holds one token: who has it asks

	mu     sync.Mutex
	begun  int // questions so far
	ended  int // the last one that was answered; answer and err are what came of it
	answer T
	err    error
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

// get asks, unless somebody else does so meanwhile. An answer that is missing
// only because that one's time was over is not shared.
func (s *shared[T]) get(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	s.mu.Lock()
	mine := s.begun + 1
	s.mu.Unlock()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
	s.mu.Lock()
	if s.ended >= mine {
		defer s.mu.Unlock()
		return s.answer, s.err
	}
	s.begun++
	number := s.begun
	s.mu.Unlock()
	answer, err := ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() == nil {
		s.ended, s.answer, s.err = number, answer, err
	}
	return answer, err
}
