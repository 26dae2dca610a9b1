package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose speaks to
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database's tables to what this version of the package needs; where they are, it does nothing.
// Replicas that start together may all call it: one migrates, the others wait.
func Migrate(ctx context.Context, url string) error {
	if err := migrate(ctx, url); err != nil {
		return fmt.Errorf("postgres: migrate: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, url string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // what counts has been committed by then
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	const everySecond, tenMinutes = 1, 600
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(everySecond, tenMinutes))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
