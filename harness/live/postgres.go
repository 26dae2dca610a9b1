package live

import (
	"context"
	"maps"

	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/stores"
)

// template is the database that those of runs are cloned from: migrated, empty, and with the recorder.
const template = "bootrace_live"

// Postgres is a server that runs on wall-clock time keep their rows on: a database for each.
type Postgres struct {
	server  *pgserver.Server
	options pgserver.Options
}

// OpenPostgres finds or starts a server. Close stops what was started and drops what was created.
func OpenPostgres(ctx context.Context, o pgserver.Options) (*Postgres, error) {
	settings := map[string]string{
		// A commit that was answered must survive a crash of the server, which the harness may bring about. Crashes of the
		// machine are none of its business, so that nothing need be flushed to a disk.
		"synchronous_commit": "on",
		"max_connections":    "400", // of many runs at a time
	}
	maps.Copy(settings, o.Settings)
	o.Settings = settings
	server, err := stores.Prepare(ctx, o, template, postgres.InstallRecorder)
	if err != nil {
		return nil, err
	}
	return &Postgres{server, o}, nil
}

// Describe names the server for a person.
func (p *Postgres) Describe() string { return p.server.Describe() }

// Close gives back what the server holds.
func (p *Postgres) Close() error { return p.server.Stop() }
