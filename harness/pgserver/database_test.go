package pgserver

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/internal/await"
)

func TestTemplateCloneAndDrop(t *testing.T) {
	t.Parallel()
	server := start(t, Options{})
	ctx := t.Context()
	var runs int
	var hangingUp *pgx.Conn
	prepare := func(ctx context.Context, url string) error {
		runs++
		var err error
		// It leaves a connection open, as a pool does that is being closed.
		if hangingUp, err = pgx.Connect(ctx, url); err != nil {
			return err
		}
		_, err = hangingUp.Exec(ctx, "CREATE TABLE t (x int); INSERT INTO t VALUES (7)", pgx.QueryExecModeSimpleProtocol)
		return err
	}
	for range 2 {
		if err := server.Template(ctx, "with t", prepare); err != nil {
			t.Fatal(err)
		}
	}
	defer hangingUp.Close(context.Background())
	if runs != 1 {
		t.Errorf("prepare ran %d times", runs)
	}

	a, err := server.CreateDatabase(ctx, "with t")
	if err != nil {
		t.Fatal(err)
	}
	b, err := server.CreateDatabase(ctx, "with t")
	if err != nil {
		t.Fatal(err)
	}
	execute(t, a.URL, "UPDATE t SET x = 8")
	if x, y := query[int](t, a.URL, "SELECT x FROM t"), query[int](t, b.URL, "SELECT x FROM t"); x != 8 || y != 7 {
		t.Errorf("a has %d, b has %d", x, y)
	}
	if a.Name == b.Name || a.URL != server.URL(a.Name) {
		t.Errorf("%+v %+v", a, b)
	}
	empty, err := server.CreateDatabase(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if query[bool](t, empty.URL, "SELECT to_regclass('t') IS NOT NULL") {
		t.Error("an empty database is not")
	}

	// Somebody who is connected does not keep it from being dropped.
	guest, err := pgx.Connect(ctx, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close(context.Background())
	for range 2 {
		if err := a.Drop(ctx); err != nil {
			t.Error(err)
		}
	}
	if query[bool](t, server.URL(""), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", a.Name) {
		t.Error("it has not been dropped")
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if err := b.Drop(ctx); err != nil {
		t.Errorf("Drop after Stop: %v", err)
	}
}

func TestTemplateThatFails(t *testing.T) {
	t.Parallel()
	server := start(t, Options{})
	broken := errors.New("no such migration")
	err := server.Template(t.Context(), "x", func(context.Context, string) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = server.Template(t.Context(), "x", func(context.Context, string) error { panic("oops") })
	}()
	if _, err := server.CreateDatabase(t.Context(), "x"); err == nil {
		t.Error("a template that failed can be cloned")
	}
	if n := query[int](t, server.URL(""), "SELECT count(*)::int FROM pg_database WHERE datname LIKE 'bootrace%'"); n != 0 {
		t.Errorf("%d databases are left", n)
	}
	if err := server.Template(t.Context(), "x", func(context.Context, string) error { return nil }); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	server := start(t, Options{})
	var runs atomic.Int32
	var names sync.Map
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			err := server.Template(t.Context(), "x", func(ctx context.Context, url string) error {
				runs.Add(1)
				return tryExecute(ctx, url, "CREATE TABLE t ()")
			})
			if err != nil {
				t.Error(err)
				return
			}
			db, err := server.CreateDatabase(t.Context(), "x")
			if err != nil {
				t.Error(err)
				return
			}
			if _, twice := names.LoadOrStore(db.Name, nil); twice {
				t.Errorf("two have %s", db.Name)
			}
			if err := db.Drop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if runs.Load() != 1 {
		t.Errorf("prepare ran %d times", runs.Load())
	}
}

// TestStopWhileInUse stops a server under those who use it: they get an error, and Stop does not wait for them.
func TestStopWhileInUse(t *testing.T) {
	server := start(t, Options{})
	entered := make(chan struct{})
	result := make(chan error)
	go func() {
		result <- server.Template(context.Background(), "slow", func(ctx context.Context, url string) error {
			close(entered)
			return tryExecute(ctx, url, "SELECT pg_sleep(3600)")
		})
	}()
	<-entered
	await.Until(t, "the statement to run", func() bool {
		return query[int](t, server.URL(""), "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'") > 0
	})
	begin := time.Now()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > await.Hang {
		t.Errorf("Stop took %s", took)
	}
	if err := <-result; err == nil {
		t.Error("prepare went on")
	}
}

func TestCancelledCreateLeavesNoDatabase(t *testing.T) {
	t.Parallel()
	server := start(t, Options{})
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		db, err := server.CreateDatabase(ctx, "")
		cancel()
		if err == nil {
			if err := db.Drop(t.Context()); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", after, err)
		}
	}
	if n := query[int](t, server.URL(""), "SELECT count(*)::int FROM pg_database WHERE datname LIKE 'bootrace%'"); n != 0 {
		t.Errorf("%d databases are left", n)
	}
}
