package pgserver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connectTimeout bounds a connection attempt where the connection string does not: a server that drops packets should
// not hold up a run for minutes.
const connectTimeout = 5 * time.Second

// admin runs maintenance statements, one at a time, over one connection that it opens when first needed and opens again
// when lost. One is enough: creating and dropping databases keeps the server's disk busy, not the network.
type admin struct {
	dsn  string
	turn chan struct{} // holds one token; a channel, so that waiting for it ends with a context

	mu     sync.Mutex // guards what close touches while a statement may be running
	conn   *pgx.Conn
	closed bool
}

func newAdmin(dsn string) *admin {
	a := &admin{dsn: dsn, turn: make(chan struct{}, 1)}
	a.turn <- struct{}{}
	return a
}

// do lets fn use the connection. Where the connection turns out to be dead before fn sent anything (the server was
// restarted), fn runs again on a new one.
func (a *admin) do(ctx context.Context, fn func(*pgx.Conn) error) error {
	select {
	case <-a.turn:
		defer func() { a.turn <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for again := true; ; again = false {
		conn, fresh, err := a.connect(ctx)
		if err != nil {
			return err
		}
		err = fn(conn)
		if err != nil && again && !fresh && conn.IsClosed() && pgconn.SafeToRetry(err) {
			continue
		}
		return err
	}
}

func (a *admin) connect(ctx context.Context) (_ *pgx.Conn, fresh bool, _ error) {
	a.mu.Lock()
	conn, closed := a.conn, a.closed
	a.mu.Unlock()
	if closed {
		return nil, false, ErrStopped
	}
	if conn != nil && !conn.IsClosed() {
		return conn, false, nil
	}

	config, err := pgx.ParseConfig(a.dsn)
	if err != nil {
		return nil, false, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if _, named := config.RuntimeParams["application_name"]; !named {
		config.RuntimeParams["application_name"] = "bootrace maintenance"
	}
	// Utility statements cannot be prepared, and a pooler between us and the server may not keep prepared ones.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err = pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, false, err
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		_ = conn.Close(context.Background())
		return nil, false, ErrStopped
	}
	a.conn = conn
	return conn, true, nil
}

func (a *admin) exec(ctx context.Context, sql string, args ...any) error {
	return a.do(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

// close waits for the statement that is running, if any, for a moment; then no more can be run.
func (a *admin) close() {
	a.mu.Lock()
	a.closed = true
	conn := a.conn
	a.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	select {
	case <-a.turn:
		defer func() { a.turn <- struct{}{} }()
		if conn != nil {
			_ = conn.Close(ctx)
		}
	case <-ctx.Done():
		if conn != nil {
			// A pgx.Conn is for one goroutine; its socket is not. Closing that ends the statement with an error.
			_ = conn.PgConn().Conn().Close()
		}
	}
}

// facts are what a server says about itself and about us.
type facts struct {
	version   string // "15.18"
	number    int    // 150018
	role      string
	mayCreate bool
}

func (f facts) major() int { return f.number / 10000 }

// usable says why a server, named by its label, cannot be used; nil if it can.
func (f facts) usable(label string) error {
	switch {
	case f.major() < oldestMajor:
		return &failure{
			fmt.Errorf("%s: Postgres %s is too old", label, f.version),
			fmt.Sprintf("use Postgres %d or newer", oldestMajor),
		}
	case !f.mayCreate:
		return &failure{
			fmt.Errorf("%s: role %q may not create databases", label, f.role),
			"ALTER ROLE " + quote(f.role) + " CREATEDB",
		}
	}
	return nil
}

func (a *admin) facts(ctx context.Context) (facts, error) {
	var f facts
	err := a.do(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `
			SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_user::text,
			       (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user)`).
			Scan(&f.version, &f.number, &f.role, &f.mayCreate)
	})
	if err != nil {
		return facts{}, err
	}
	// Distributions append their own version: "15.18 (Debian 15.18-0+deb12u1)".
	f.version, _, _ = strings.Cut(f.version, " ")
	return f, nil
}

// quote makes an SQL identifier of a name.
func quote(name string) string {
	return pgx.Identifier{name}.Sanitize()
}

// literal makes a keyword/value connection string's value of a text.
func literal(text string) string {
	return fmt.Sprintf("'%s'", strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text))
}
