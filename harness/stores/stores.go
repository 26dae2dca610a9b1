package stores

import (
	"context"
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/harness/pgserver"
)

// Source opens fresh stores.
type Source interface {
	// Open returns an empty store that moves workspaces by the table and tells observe of every row's move, and what
	// throws it away.
	Open(ctx context.Context, table *lifecycle.Table, observe func(store.RowChange)) (store.Store, func() error, error)
	// Name is "memory" or "postgres".
	Name() string
	// Describe names the source for a person.
	Describe() string
	// Close gives back what the source holds.
	Close() error
}

// Memory opens stores in memory.
func Memory() Source { return memorySource{} }

type memorySource struct{}

func (memorySource) Open(_ context.Context, table *lifecycle.Table, observe func(store.RowChange)) (store.Store, func() error, error) {
	return memory.New(table, observe), func() error { return nil }, nil
}

func (memorySource) Name() string     { return "memory" }
func (memorySource) Describe() string { return "memory store" }
func (memorySource) Close() error     { return nil }

// template is the database that fresh ones are cloned from: migrated, empty, and with the probe that sees rows move.
const template = "bootrace_template"

// busyPoll is how long a simulation looks for an answer before it sleeps for it. One call is made at a time, and nearly
// all are answered sooner; to be woken would take as long again.
const busyPoll = 200 * time.Microsecond

type postgresSource struct {
	server *pgserver.Server
}

// Postgres finds or starts a Postgres server and opens each store as a database of its own on it. Close stops what was
// started and drops what was created.
func Postgres(ctx context.Context, o pgserver.Options) (Source, error) {
	server, err := Prepare(ctx, o, template, postgres.InstallProbe)
	if err != nil {
		return nil, err
	}
	return &postgresSource{server}, nil
}

// Prepare finds or starts a Postgres server with a template database that controllers' are cloned from: migrated, empty, and
// with what observe installs there to see rows move.
func Prepare(ctx context.Context, o pgserver.Options, template string, observe func(ctx context.Context, url string) error) (*pgserver.Server, error) {
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	err = server.Template(ctx, template, func(ctx context.Context, url string) error {
		if err := postgres.Migrate(ctx, url); err != nil {
			return err
		}
		return observe(ctx, url)
	})
	if err != nil {
		server.Stop() //nolint:errcheck // the first error is the one to tell
		return nil, fmt.Errorf("preparing the template database: %w", err)
	}
	return server, nil
}

func (p *postgresSource) Open(ctx context.Context, table *lifecycle.Table, observe func(store.RowChange)) (store.Store, func() error, error) {
	db, err := p.server.CreateDatabase(ctx, template)
	if err != nil {
		return nil, nil, err
	}
	s, err := postgres.Open(ctx, db.URL, table, postgres.Observe(observe), postgres.MaxConns(1), postgres.BusyPoll(busyPoll))
	if err != nil {
		db.Drop(context.WithoutCancel(ctx)) //nolint:errcheck // the first error is the one to tell
		return nil, nil, err
	}
	return s, func() error {
		s.Close()
		return db.Drop(context.WithoutCancel(ctx))
	}, nil
}

func (p *postgresSource) Name() string     { return "postgres" }
func (p *postgresSource) Describe() string { return p.server.Describe() }
func (p *postgresSource) Close() error     { return p.server.Stop() }
