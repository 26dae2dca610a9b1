package live

import (
	"context"

	"github.com/bootrace/bootrace/harness/pgserver"
)

// Server is the server behind p.
func (p *Postgres) Server() *pgserver.Server { return p.server }

// NewDatabase makes a database as a run has it.
func (p *Postgres) NewDatabase(ctx context.Context) (*pgserver.Database, error) {
	return p.server.CreateDatabase(ctx, template)
}

// Options are those that the server was found with.
func (p *Postgres) Options() pgserver.Options { return p.options }

// Program is the static program that containers run.
func (c *Containers) Program() string { return c.program }
