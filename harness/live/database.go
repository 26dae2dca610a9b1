package live

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/plan"
)

// endsPostgres reports whether the fault ends the database server.
func endsPostgres(f plan.Fault) bool {
	return f.Kind == "postgres-crash" || f.Kind == "postgres-restart"
}

// crashes reports whether the plan ends its database server, which it must then have for itself.
func crashes(p *plan.Plan) bool { return slices.ContainsFunc(p.Faults, endsPostgres) }

// buildDatabase makes the run's database, and the links to it where faults are about them.
func (w *world) buildDatabase() (err error) {
	w.postgres = w.options.Postgres
	if crashes(w.plan) {
		if w.postgres, err = OpenPostgres(w.ctx, w.postgres.options); err != nil {
			return fmt.Errorf("live: a Postgres to be crashed: %w", err)
		}
	}
	if w.database, err = w.postgres.server.CreateDatabase(w.ctx, template); err != nil {
		return err
	}
	if !slices.ContainsFunc(w.faults.set.All, linked) {
		return nil
	}
	for i := range w.plan.Controllers {
		home, err := claimFolder()
		if err != nil {
			return err
		}
		w.folders = append(w.folders, home)
		l, err := newLink(home.path, fmt.Sprintf("controller %d", i+1), w.database.URL)
		if err != nil {
			return err
		}
		w.links = append(w.links, l)
	}
	return nil
}

// databaseURL is by which the replica reaches the database.
func (w *world) databaseURL(replica int) string {
	if len(w.links) == 0 {
		return w.database.URL
	}
	u, err := through(w.database.URL, w.folders[replica-1].path)
	if err != nil {
		w.broken("%w", err)
	}
	return u
}

// linksOf are the links that the fault is about.
func (w *world) linksOf(x *fault.Fault) []*link {
	var all []*link
	for i, l := range w.links {
		if x.On(i + 1) {
			all = append(all, l)
		}
	}
	return all
}

// clearDatabase takes away what buildDatabase made.
func (w *world) clearDatabase() error {
	var errs []error
	for _, l := range w.links {
		l.close()
	}
	for _, f := range w.folders {
		errs = append(errs, f.remove())
	}
	switch {
	case w.postgres != nil && w.postgres != w.options.Postgres:
		errs = append(errs, w.postgres.Close())
	case w.database != nil:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), readPatience)
		defer cancel()
		errs = append(errs, w.database.Drop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("live: removing the run's database: %w", err)
	}
	return nil
}
