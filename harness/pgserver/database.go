package pgserver

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// databasePrefix starts the name of every database that this package creates, and of none that it does not.
const databasePrefix = "bootrace_"

// createPatience is how long creating a database may go on after its context has ended.
const createPatience = 10 * time.Second

// counter numbers this process's databases, over all its servers: two of them may be one and the same foreign server.
var counter atomic.Int64

// Database is one that [Server.CreateDatabase] made.
type Database struct {
	Name string
	URL  string // as of [Server.URL]

	server *Server
}

// Drop drops the database, ending whatever sessions it still has. Dropping it again does nothing, and so does dropping
// it after the server was stopped.
func (d *Database) Drop(ctx context.Context) error {
	err := d.server.drop(ctx, d.Name)
	if errors.Is(err, ErrStopped) {
		return nil // Stop has seen to it
	}
	return err
}

// template is a database made to be cloned.
type template struct {
	ready    chan struct{} // closed when the fields below are final
	database string
	err      error
}

// Template makes a template database under a name of the caller's choice, once: it creates an empty database and has
// prepare fill it (run migrations, say). After that nobody can connect to it, so it can be cloned at any time. For a name
// that exists already Template does nothing, and concurrent calls for one name wait for the first. Where prepare fails
// the database is dropped, its error returned, and the name is free again.
func (s *Server) Template(ctx context.Context, name string, prepare func(ctx context.Context, url string) error) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return ErrStopped
	}
	if t := s.templates[name]; t != nil {
		s.mu.Unlock()
		select {
		case <-t.ready:
			return t.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	t := &template{ready: make(chan struct{}), database: databaseName(name), err: errors.New("prepare did not return")}
	s.templates[name] = t
	s.mu.Unlock()

	// Deferred, so that a panic in prepare does not leave others waiting.
	defer func() {
		if t.err != nil {
			s.mu.Lock()
			delete(s.templates, name)
			s.mu.Unlock()
			s.dropFailed(ctx, t.database)
		}
		close(t.ready)
	}()
	if err := s.makeTemplate(ctx, t.database, prepare); err != nil {
		t.err = fmt.Errorf("pgserver: template %q: %w", name, err)
	} else {
		t.err = nil
	}
	return t.err
}

func (s *Server) makeTemplate(ctx context.Context, database string, prepare func(context.Context, string) error) error {
	if err := s.create(ctx, database, "template0"); err != nil {
		return err
	}
	if err := prepare(ctx, s.URL(database)); err != nil {
		return err
	}
	// A database can be cloned only while nobody is connected to it. Pools that prepare has closed may still be hanging
	// up; from here on nobody can come in, and those who linger are sent away.
	if err := s.admin.exec(ctx, "ALTER DATABASE "+quote(database)+" WITH ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	return s.admin.exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
}

// CreateDatabase makes a fresh database: a clone of a template that [Server.Template] made, or for an empty name one
// with nothing in it. Its name is unique, also among other processes on the same server. On an error there is no
// database; where the context ends while the server is at it, the call takes as long as that takes and may succeed.
func (s *Server) CreateDatabase(ctx context.Context, templateName string) (*Database, error) {
	source := "template0"
	if templateName != "" {
		s.mu.Lock()
		t := s.templates[templateName]
		s.mu.Unlock()
		if t == nil {
			return nil, fmt.Errorf("pgserver: there is no template %q", templateName)
		}
		select {
		case <-t.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if t.err != nil {
			return nil, t.err
		}
		source = t.database
	}
	name := databaseName("")
	if err := s.create(ctx, name, source); err != nil {
		if !errors.Is(err, ErrStopped) {
			s.dropFailed(ctx, name)
		}
		return nil, fmt.Errorf("pgserver: create a database: %w", err)
	}
	return &Database{Name: name, URL: s.URL(name), server: s}, nil
}

// create registers the name before the database exists, so that whatever comes of the statement Stop can drop it.
func (s *Server) create(ctx context.Context, name, source string) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return ErrStopped
	}
	s.databases[name] = struct{}{}
	s.mu.Unlock()

	sql := "CREATE DATABASE " + quote(name) + " TEMPLATE " + quote(source)
	if s.major >= 15 && !s.back.foreign() {
		// Copying files takes two checkpoints, writing everything to the log takes writing it twice. Without fsync
		// checkpoints cost nothing, and the copy takes half the time.
		sql += " STRATEGY FILE_COPY"
	}
	// A server goes on with what it has begun when its client hangs up, and would have a database after all when we had
	// looked whether there is one. So an ended context does not interrupt it, unless it takes unusually long.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(createPatience, cancel) })()
	return s.admin.exec(patient, sql)
}

// dropFailed drops a database that may or may not have come into being, whatever became of the context.
func (s *Server) dropFailed(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createPatience)
	defer cancel()
	_ = s.drop(ctx, name)
}

func (s *Server) drop(ctx context.Context, name string) error {
	if err := s.admin.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("pgserver: drop database %s: %w", name, err)
	}
	s.mu.Lock()
	delete(s.databases, name)
	s.mu.Unlock()
	return nil
}

// dropAll drops every database that is left.
func (s *Server) dropAll(ctx context.Context) error {
	s.mu.Lock()
	names := make([]string, 0, len(s.databases))
	for name := range s.databases {
		names = append(names, name)
	}
	s.mu.Unlock()
	var errs []error
	for _, name := range names {
		errs = append(errs, s.drop(ctx, name))
	}
	return errors.Join(errs...)
}

// databaseName makes a new name: our prefix, who we are, a number, and for people what it is for. Who we are is more
// than a process id, as those repeat: on other hosts, in other containers, and over time.
func databaseName(purpose string) string {
	name := fmt.Sprintf("%s%s_%d", databasePrefix, self().token(), counter.Add(1))
	if purpose != "" {
		purpose = strings.Trim(notWord.ReplaceAllString(strings.ToLower(purpose), "_"), "_")
		name += "_" + purpose[:min(len(purpose), 16)] // a name has 63 bytes
	}
	return name
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// sweepForeign drops what processes of this host that are gone left on a foreign server. Those of other hosts are not
// ours to judge. It is a courtesy: whatever hinders it is no reason not to start.
func (s *Server) sweepForeign(ctx context.Context) {
	var names []string
	err := s.admin.do(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT datname::text FROM pg_database WHERE datname LIKE 'bootrace\\_%'")
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return
	}
	for _, name := range names {
		if owner, ok := parseToken(strings.TrimPrefix(name, databasePrefix)); ok && owner.gone() {
			_ = s.admin.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
		}
	}
}
