package pgserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrStopped is returned by every operation on a server that has been stopped.
var ErrStopped = errors.New("pgserver: the server has been stopped")

// Server is a running Postgres. It is safe for concurrent use.
type Server struct {
	// Source is where the server came from, one of the Source constants.
	Source string

	// Version is the server's own, such as "15.18".
	Version string

	// StartupTime is how long Start took to get the server to answer, attempts that failed included.
	StartupTime time.Duration

	back  backend
	admin *admin
	major int

	mu        sync.Mutex
	stopped   bool
	templates map[string]*template
	databases map[string]struct{} // by name: all that this server has created and not dropped
	crashing  sync.Mutex          // held while the backend is crashed, started again or stopped
	stopOnce  sync.Once
	stopErr   error
}

// backend is what stands behind a server and has to be ended with it.
type backend interface {
	// url returns a connection string for a database of the server; "" means the one for maintenance.
	url(database string) string

	// label says in a few words what it is.
	label() string

	// foreign says whether the server outlives us, so that we have to clean up what we made in it.
	foreign() bool

	// stop ends the server and removes what it left. It is called once, and takes the time it needs.
	stop() error
}

// starters know how to start each source.
var starters = map[string]func(context.Context, Options) (backend, error){
	SourceURL:      startForeign,
	SourceBinaries: startBinaries,
	SourceDocker:   startDocker,
}

// Start finds a server or starts one; the package documentation says how. The context bounds only Start itself: where it
// ends first, everything begun is undone and its cause returned. The caller must call [Server.Stop].
//
// Errors: a [*NotFoundError] if no source worked, the context's cause, or a plain error for options that make no sense.
func Start(ctx context.Context, opts Options) (*Server, error) {
	sources, err := opts.sources()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	reapLeftovers(opts)

	var attempts []Attempt
	for _, source := range sources {
		server, err := startFrom(ctx, source, opts)
		if err == nil {
			server.StartupTime = time.Since(begin)
			return server, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("pgserver: start from %s: %w", source, context.Cause(ctx))
		}
		attempts = append(attempts, failed(source, err))
	}
	return nil, &NotFoundError{Attempts: attempts}
}

// startFrom starts one source and makes sure that what it gave answers.
func startFrom(ctx context.Context, source string, opts Options) (_ *Server, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	back, err := starters[source](ctx, opts)
	if err != nil {
		return nil, err
	}
	server := &Server{
		Source:    source,
		back:      back,
		admin:     newAdmin(back.url("")),
		templates: map[string]*template{},
		databases: map[string]struct{}{},
	}
	defer func() {
		if err != nil {
			server.admin.close()
			err = errors.Join(err, back.stop())
		}
	}()

	facts, err := server.admin.facts(ctx)
	if err != nil {
		if back.foreign() {
			return nil, explainForeign(err, back.label())
		}
		return nil, err
	}
	server.Version, server.major = facts.version, facts.major()
	if err := facts.usable(back.label()); err != nil {
		return nil, err
	}
	if back.foreign() {
		server.sweepForeign(ctx)
	}
	return server, nil
}

// Describe names the server for people, such as
// "Postgres 15.18 (binaries on this machine, private cluster, up in 0.3s)". It contains no password.
func (s *Server) Describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Postgres %s (%s", s.Version, s.back.label())
	if !s.back.foreign() {
		fmt.Fprintf(&b, ", up in %s", seconds(s.StartupTime))
	}
	b.WriteByte(')')
	return b.String()
}

// URL returns a connection string, good for pgx, of a database on this server; the database need not exist. An empty
// name means the server's own maintenance database. It contains the password if there is one: do not print it.
func (s *Server) URL(database string) string {
	return s.back.url(database)
}

// Stop ends the server: on a foreign server it drops every database that was created through s; a private cluster or a
// container is stopped, with whoever is connected, and removed. It takes milliseconds, and a few seconds at the worst.
// Further calls do nothing and return the first one's error, which names what could not be removed.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() {
		s.mu.Lock()
		s.stopped = true
		s.mu.Unlock()

		var errs []error
		if s.back.foreign() {
			ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
			errs = append(errs, s.dropAll(ctx))
			cancel()
		}
		s.admin.close()
		s.crashing.Lock()
		defer s.crashing.Unlock()
		errs = append(errs, s.back.stop())
		s.stopErr = errors.Join(errs...)
	})
	return s.stopErr
}
