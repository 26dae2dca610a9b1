package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Store keeps workspaces in a Postgres database. Open one with Open.
type Store struct {
	pool  *pgxpool.Pool
	table *lifecycle.Table
	sql   *statements
	blind blinding

	observe   func(store.RowChange)
	observing sync.Mutex // held while observe is told of one call's moves
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Unguarded = (*Store)(nil)
)

// Open connects to the database, which Migrate has prepared, and moves its workspaces by the table. Close it when done.
func Open(ctx context.Context, url string, table *lifecycle.Table, opts ...Option) (*Store, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	if o.maxConns > 0 {
		config.MaxConns = o.maxConns
	}
	session := config.ConnConfig.RuntimeParams
	// Every statement here is prepared and has one good plan. Left to itself, Postgres plans a sweep anew each time, which
	// takes longer than the sweep.
	session["plan_cache_mode"] = "force_generic_plan"
	session["jit"] = "off" // for the same reason
	// The guards are judged again on a row that has changed (see outcomeOf), which is READ COMMITTED's way; a stricter level
	// would fail such calls.
	session["default_transaction_isolation"] = "read committed"
	for _, around := range o.dialers {
		config.ConnConfig.DialFunc = around(config.ConnConfig.DialFunc)
	}
	s := &Store{table: table, sql: newStatements(table), blind: newBlinding(), observe: o.observe}
	if s.observe != nil {
		session["client_min_messages"] = "notice"
		config.ConnConfig.OnNotice = hearProbe
		config.AfterConnect = attachEar
	}
	if o.speaker != nil {
		config.PrepareConn = introduce(o.speaker)
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	if err := s.check(ctx); err != nil {
		s.pool.Close()
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	return s, nil
}

// check reports whether the database can be reached and has the tables, rather than leave it to the first request.
func (s *Store) check(ctx context.Context) error {
	_, err := s.Get(ctx, uuid.Nil)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	const undefinedTable = "42P01"
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == undefinedTable {
		return fmt.Errorf("the database has not been migrated: %w", err)
	}
	return err
}

// Close waits for the calls under way and closes all connections.
func (s *Store) Close() { s.pool.Close() }

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("postgres: ping: %w", err)
	}
	return nil
}

// binaryFormat is the format of all arguments and all results.
var binaryFormat = []int16{1}

// query runs one statement and gives each row of its result to the function. It frees the arguments.
func (s *Store) query(ctx context.Context, st *statement, p *params, each func(*row)) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		p.free()
		return st.wrap(err)
	}
	defer conn.Release()
	return st.wrap(s.settle(conn, run(ctx, conn, st, p, each)))
}

// run is query on a connection that the caller has.
//
// It speaks to pgconn, the layer below pgx's Query, since params and row do what the layer above is for.
func run(ctx context.Context, conn *pgxpool.Conn, st *statement, p *params, each func(*row)) error {
	defer p.free()
	prepared, err := conn.Conn().Prepare(ctx, st.name, st.text)
	if err != nil {
		return err
	}
	result := conn.Conn().PgConn().ExecStatement(ctx, prepared, p.values, binaryFormat, binaryFormat)
	var r row
	for result.NextRow() {
		r.columns, r.next = result.Values(), 0
		each(&r)
	}
	if _, err := result.Close(); err != nil {
		return err
	}
	return r.err
}

// queryTwo runs two statements in one round trip and one transaction, the second with a snapshot taken after the first
// ended, and gives the rows of the second's result to the function. It frees the arguments.
func (s *Store) queryTwo(ctx context.Context, first *statement, p1 *params, second *statement, p2 *params, each func(*row)) error {
	defer p1.free()
	defer p2.free()
	return s.within(ctx, second.name, func(conn *pgxpool.Conn) error {
		var batch pgconn.Batch
		prepared, err := conn.Conn().Prepare(ctx, first.name, first.text)
		if err != nil {
			return err
		}
		batch.ExecStatement(prepared, p1.values, binaryFormat, binaryFormat)
		if prepared, err = conn.Conn().Prepare(ctx, second.name, second.text); err != nil {
			return err
		}
		batch.ExecStatement(prepared, p2.values, binaryFormat, binaryFormat)
		results := conn.Conn().PgConn().ExecBatch(ctx, &batch)
		var r row
		for n := 1; results.NextResult(); n++ {
			for result := results.ResultReader(); result.NextRow(); {
				if n == 2 {
					r.columns, r.next = result.Values(), 0
					each(&r)
				}
			}
		}
		if err := results.Close(); err != nil {
			return err
		}
		return r.err
	})
}

// within gives the function one connection, and reports what it did on it.
func (s *Store) within(ctx context.Context, name string, f func(*pgxpool.Conn) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		err = s.settle(conn, f(conn))
	}
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound):
		return err
	default:
		return fmt.Errorf("postgres: %s: %w", name, err)
	}
}
