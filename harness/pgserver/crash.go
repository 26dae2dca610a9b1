package pgserver

import (
	"context"
	"errors"
)

// ErrNotOurs is returned where a server is to be crashed that somebody else runs.
var ErrNotOurs = errors.New("pgserver: the server was not started by this process, so it cannot be crashed")

// crasher is a backend whose server can be ended as a crash ends it, and started again on the same data.
type crasher interface {
	crash() error
	shutDown() error
	launch(ctx context.Context) error
}

// CanCrash reports whether Crash is possible: on a private cluster, and on a container.
func (s *Server) CanCrash() bool {
	_, ok := s.back.(crasher)
	return ok
}

// Crash ends the server at once: sessions are cut off, nothing is written, and transactions that have not committed are
// gone. Those that were answered as committed are there again after Restart, unless the server was set not to wait for its
// log (synchronous_commit; see Options.Settings). It returns when no process of the server is left. Until Restart, nobody
// can connect. It returns [ErrNotOurs] where somebody else runs the server, and [ErrStopped].
func (s *Server) Crash() error {
	return s.whileRunning(crasher.crash)
}

// ShutDown ends the server in good order, as for an update of it: sessions are told so and cut off, and what was under way
// is rolled back. It returns when no process of the server is left. Until Restart, nobody can connect. It returns
// [ErrNotOurs] where somebody else runs the server, and [ErrStopped].
func (s *Server) ShutDown() error {
	return s.whileRunning(crasher.shutDown)
}

// Restart starts a server that was crashed or shut down, and returns when it accepts connections. The context bounds the wait.
func (s *Server) Restart(ctx context.Context) error {
	return s.whileRunning(func(c crasher) error { return c.launch(ctx) })
}

// whileRunning does something to the backend that Stop must not come in the middle of.
func (s *Server) whileRunning(do func(crasher) error) error {
	c, ok := s.back.(crasher)
	if !ok {
		return ErrNotOurs
	}
	s.crashing.Lock()
	defer s.crashing.Unlock()
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if stopped {
		return ErrStopped
	}
	return do(c)
}
