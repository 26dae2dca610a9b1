// Package served is what the servers that tests are made against have in common: they are reached over HTTP, do something every so
// often, and end without a trace. All times are those of package time, so that it works in a testing/synctest bubble.
//
// It must not import anything of this module.
package served

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listen is how a server is reached.
type Listen func(ctx context.Context, network, address string) (net.Listener, error)

// Server serves from Serve until Close.
type Server struct {
	URL string

	life  context.Context //nolint:containedctx // it is the server's
	end   context.CancelFunc
	http  *http.Server
	tasks sync.WaitGroup
}

// Serve begins to serve. Where listen is nil it is reached by TCP on this machine, at a free port.
func (s *Server) Serve(listen Listen, h http.Handler) error {
	if listen == nil {
		listen = (&net.ListenConfig{}).Listen
	}
	s.life, s.end = context.WithCancel(context.Background())
	l, err := listen(s.life, "tcp", "127.0.0.1:0")
	if err != nil {
		s.end()
		return err
	}
	s.URL = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	s.Go(func() { s.http.Serve(l) }) //nolint:errcheck // it ends with Close
	return nil
}

// Life ends with the server.
func (s *Server) Life() context.Context { return s.life }

// Go runs a task that Close waits for.
func (s *Server) Go(task func()) { s.tasks.Go(task) }

// Every does something every so often, until the server ends.
func (s *Server) Every(d time.Duration, do func()) {
	s.Go(func() {
		for s.Sleep(d) {
			do()
		}
	})
}

// Sleep returns after d, or reports false where the server ends before.
func (s *Server) Sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return s.life.Err() == nil
	case <-s.life.Done():
		return false
	}
}

// Close ends the server, and returns once nothing of it runs.
func (s *Server) Close() {
	s.end()
	s.http.Close() //nolint:errcheck // nothing is kept
	s.tasks.Wait()
}
