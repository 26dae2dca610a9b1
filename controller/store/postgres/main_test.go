package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/harness/pgserver"
)

// server is where all tests of this package run. Without one they fail: a store that was not tested against its database
// was not tested.
var server *pgserver.Server

// The databases that tests begin with.
const (
	migrated = "migrated" // as Migrate leaves it
	probed   = "probed"   // and with the probe
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		ctx := context.Background()
		var err error
		if server, err = pgserver.Start(ctx, pgserver.Options{URL: os.Getenv("BOOTRACE_TEST_DATABASE_URL")}); err != nil {
			fmt.Fprintln(os.Stderr, "no Postgres to test on:", err)
			return 1
		}
		defer func() {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
		err = server.Template(ctx, migrated, postgres.Migrate)
		if err == nil {
			err = server.Template(ctx, probed, func(ctx context.Context, url string) error {
				if err := postgres.Migrate(ctx, url); err != nil {
					return err
				}
				return postgres.InstallProbe(ctx, url)
			})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		ignore := goleak.IgnoreCurrent() // the server's own
		code := m.Run()
		spare.drop()
		if err := goleak.Find(ignore); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// database returns the URL of a database of the test's own.
func database(tb testing.TB, template string) string {
	tb.Helper()
	db, err := server.CreateDatabase(context.Background(), template)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Drop(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return db.URL
}

// connect opens a store on the database.
func connect(tb testing.TB, url string, table *lifecycle.Table, opts ...postgres.Option) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(context.Background(), url, table, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// spare keeps databases that a test has done with, for the next one: emptying one is ten times as fast as making one.
var spare pond

type pond struct {
	mu   sync.Mutex
	free []*pgserver.Database
}

func (p *pond) take(tb testing.TB) *pgserver.Database {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		db := p.free[n-1]
		p.free = p.free[:n-1]
		return db
	}
	db, err := server.CreateDatabase(context.Background(), probed)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func (p *pond) giveBack(db *pgserver.Database) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, db)
}

func (p *pond) drop() {
	for _, db := range p.free {
		if err := db.Drop(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// open is how the conformance suite opens a store: on an empty database with the probe.
func open(t *testing.T, table *lifecycle.Table, observe func(store.RowChange)) store.Store {
	t.Helper()
	db := spare.take(t)
	s, err := postgres.Open(context.Background(), db.URL, table, postgres.Observe(observe), postgres.MaxConns(8))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Reset(context.Background()); err != nil {
			t.Error(err)
		}
		s.Close()
		spare.giveBack(db)
	})
	return s
}
