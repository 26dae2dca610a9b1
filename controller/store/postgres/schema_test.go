package postgres_test

import (
	"context"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/internal/await"
)

// dial returns a plain connection to the database.
func dial(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// ask returns the one column of a query's rows.
func ask[T any](tb testing.TB, conn *pgx.Conn, sql string, arguments ...any) []T {
	tb.Helper()
	rows, err := conn.Query(context.Background(), sql, arguments...)
	if err != nil {
		tb.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	return all
}

func names[T interface{ String() string }](all []T) string {
	var s []string
	for _, v := range all {
		s = append(s, v.String())
	}
	return strings.Join(s, " ")
}

// The enums repeat lifecycle's names, and have to follow it.
func TestEnumsAreLifecycles(t *testing.T) {
	conn := dial(t, database(t, migrated))
	const labels = `SELECT enumlabel::text FROM pg_enum WHERE enumtypid = $1::text::regtype ORDER BY enumsortorder`
	if got, want := strings.Join(ask[string](t, conn, labels, "workspace_status"), " "), names(lifecycle.Statuses()); got != want {
		t.Errorf("statuses are %s, want %s", got, want)
	}
	if got, want := strings.Join(ask[string](t, conn, labels, "workspace_event"), " "), names(lifecycle.Events()); got != want {
		t.Errorf("events are %s, want %s", got, want)
	}
}

// Time is a parameter: nothing in the SQL may read a clock.
func TestNothingReadsAClock(t *testing.T) {
	texts := postgres.Statements(lifecycle.Standard())
	files, err := fs.Glob(postgres.Migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(postgres.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = regexp.MustCompile(`(?m)--.*$`).ReplaceAllString(string(text), "")
	}
	clock := regexp.MustCompile(`(?i)\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\b(current_(time|date|timestamp)|localtime(stamp)?)\b|'(now|today|tomorrow|yesterday)'`)
	for name, text := range texts {
		if found := clock.FindString(text); found != "" {
			t.Errorf("%s reads a clock: %s", name, found)
		}
	}
}

func TestMigrate(t *testing.T) {
	ctx := context.Background()
	if err := server.Template(ctx, "empty", func(context.Context, string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	url := database(t, "empty")
	if _, err := postgres.Open(ctx, url, lifecycle.Standard()); err == nil || !strings.Contains(err.Error(), "not been migrated") {
		t.Errorf("Open before Migrate = %v", err)
	}
	// Replicas start together.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := postgres.Migrate(ctx, url); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := connect(t, url, lifecycle.Standard())
	id := fleet(t, s, 1)[0]
	if err := postgres.Migrate(ctx, url); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(ctx, id); err != nil {
		t.Errorf("after migrating again: %v", err)
	}
	if n := ask[int64](t, dial(t, url), `SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal`)[0]; n != 0 {
		t.Errorf("Migrate made %d triggers", n)
	}
}

// A heartbeat that moves nothing must touch no index, so that a fleet's beats do not bloat them.
func TestHeartbeatsAreHeapOnly(t *testing.T) {
	ctx := context.Background()
	url := database(t, migrated)
	s := connect(t, url, lifecycle.Standard(), postgres.MaxConns(1))
	ids := fleet(t, s, 200)
	beat := func(at time.Time) {
		for _, id := range ids {
			b := store.Beat{ID: id, Token: token, Event: lifecycle.Beat, SampleError: "e", UptimeSeconds: at.Unix(), Now: at}
			if _, err := s.Heartbeat(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	beat(start) // moves them to online, which is in a partial index's condition
	conn := dial(t, url)
	// counts waits for the server to have counted at least so many updates: a session reports what it did at leisure.
	counts := func(least int64) (all, hot int64) {
		await.Until(t, "the server to have counted the updates", func() bool {
			_ = s.Exec(ctx, `SELECT pg_stat_force_next_flush()`) // which older servers lack
			if err := s.Ping(ctx); err != nil {
				t.Fatal(err)
			}
			row := conn.QueryRow(ctx, `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'workspaces'`)
			if err := row.Scan(&all, &hot); err != nil {
				t.Fatal(err)
			}
			return all >= least
		})
		return all, hot
	}
	const rounds = 20
	all0, hot0 := counts(int64(len(ids)))
	for i := range rounds {
		beat(start.Add(time.Duration(i) * 30 * time.Second))
	}
	all, hot := counts(all0 + int64(rounds*len(ids)))
	all, hot = all-all0, hot-hot0
	t.Logf("%d of %d heartbeats were heap-only", hot, all)
	if want := int64(rounds * len(ids)); all != want {
		t.Fatalf("%d updates were counted, want %d", all, want)
	}
	// A page without room for one more version makes a few exceptions, each of which frees room.
	if hot < all*95/100 {
		t.Errorf("only %d of %d heartbeats were heap-only", hot, all)
	}
}

// Each statement that looks for work must find it by its own index, whose condition repeats what Go code says.
func TestIndexesFitTheStatements(t *testing.T) {
	conn := dial(t, database(t, migrated))
	ctx := context.Background()
	for _, set := range []string{"enable_seqscan = off", "enable_bitmapscan = off", "plan_cache_mode = force_generic_plan"} {
		if _, err := conn.Exec(ctx, "SET "+set); err != nil {
			t.Fatal(err)
		}
	}
	texts := postgres.Statements(lifecycle.Standard())
	for name, indexes := range map[string]string{
		"expire boots":           "workspaces_boots",
		"expire silent":          "workspaces_living",
		"claim launches":         "workspaces_launches workspaces_unwanted",
		"claim launches: look":   "workspaces_launches workspaces_unwanted",
		"list":                   "workspaces_living",
		"children":               "workspaces_children",
		"apply remove childless": "workspaces_children",
		"get":                    "workspaces_pkey",
		"heartbeat beat":         "workspaces_pkey",
		"transitions":            "transitions_pkey",
		"transitions of one":     "transitions_workspace",
	} {
		sd, err := conn.Prepare(ctx, name, texts[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(sd.ParamOIDs)), ", ")
		if nulls != "" {
			nulls = "(" + nulls + ")"
		}
		plan := strings.Join(ask[string](t, conn, `EXPLAIN (COSTS off) EXECUTE "`+name+`"`+nulls), "\n")
		for index := range strings.FieldsSeq(indexes) {
			if !strings.Contains(plan, index) {
				t.Errorf("%s does not use %s:\n%s", name, index, plan)
			}
		}
	}
}
