package bubble_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/bubble"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
)

// server is a controller of as little as can be: rows, and whatever its heartbeat does.
type server struct {
	pool *pgxpool.Pool
	beat func(ctx context.Context, id string) error
	mu   sync.Mutex
	errs []error
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Name        string `json:"name"`
		ID          string `json:"id"`
		WorkspaceID string `json:"workspace_id"`
	}
	json.NewDecoder(r.Body).Decode(&q)
	switch r.Method + " " + r.URL.Path {
	case "POST /workspaces":
		var id string
		err := s.pool.QueryRow(r.Context(), "insert into ws (name, status, since) values ($1, 'provisioning', CURRENT_TIMESTAMP) returning id", q.Name).Scan(&id)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%q,"status":"provisioning"}`, id)
	case "POST /registry/heartbeat":
		if err := s.beat(r.Context(), q.WorkspaceID); err != nil {
			s.mu.Lock()
			s.errs = append(s.errs, err)
			s.mu.Unlock()
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write([]byte(`{"status":"ok"}`))
	default:
		http.NotFound(w, r)
	}
}

// target starts the server. Its launches are those of the test: the control plane is asked for a machine at the first beat of a loop.
func target(s *server, start func(e bubble.Env, s *server) error) bubble.Target {
	return bubble.Target{
		Name: "as little as can be",
		Start: func(e bubble.Env) (http.Handler, error) {
			config, err := pgxpool.ParseConfig(e.DSN)
			if err != nil {
				return nil, err
			}
			config.ConnConfig.DialFunc = e.Dial
			if s.pool, err = pgxpool.NewWithConfig(e.Context, config); err != nil {
				return nil, err
			}
			_, err = s.pool.Exec(e.Context, "create table if not exists ws (id uuid primary key default gen_random_uuid(), name text, status text, "+
				"since timestamptz default now(), n int not null default 0)")
			if err != nil {
				return nil, err
			}
			go launch(e, s)
			if start != nil {
				err = start(e, s)
			}
			return s, err
		},
		Rows:  bubble.Rows{Table: "ws", ID: "id", Name: "name", Status: "status"},
		Lacks: []string{"replicas", "parents", "external", "pause", "hibernate", "bootstrap-failed", "delete", "restart"},
	}
}

// launch asks for a machine for every row.
func launch(e bubble.Env, s *server) {
	launched := map[string]bool{}
	for range time.Tick(5 * time.Second) {
		rows, err := s.pool.Query(e.Context, "select id::text from ws order by id")
		if err != nil {
			return
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return
		}
		for _, id := range ids {
			if launched[id] {
				continue
			}
			r, err := e.HTTP.Post(bubble.ControlPlane+"/cp/workspaces/provision", "application/json",
				strings.NewReader(fmt.Sprintf(`{"workspace_id":%q,"env":{"WORKSPACE_AUTH_TOKEN":"t"}}`, id)))
			if err != nil {
				return
			}
			r.Body.Close()
			launched[id] = true
		}
	}
}

func thePlan() *plan.Plan {
	boot := []plan.Boot{{ImagePull: plan.Duration(20 * time.Second), AgentStart: plan.Duration(2 * time.Second), Preflight: plan.Duration(5 * time.Second)}}
	p := &plan.Plan{Name: "two", Seed: 1, Duration: plan.Duration(10 * time.Minute), Controllers: 1}
	for _, name := range []string{"a", "b"} {
		p.Workspaces = append(p.Workspaces, plan.Workspace{Name: name, Group: name, Provider: "kimi", Runtime: "claude-code", SkipRegister: true, Boots: boot})
	}
	return p
}

// play plays the plan, which must not be a fault of the harness.
func play(t *testing.T, b bubble.Target) *harness.Outcome {
	t.Helper()
	o := harness.Play(context.Background(), thePlan(), stores.Memory(), b.For(t), nil)
	if o.Fault != nil {
		t.Fatal(o.Fault)
	}
	return o
}

// TestVirtualTime has rows, Go and the world agree on what time it is.
func TestVirtualTime(t *testing.T) {
	s := &server{}
	s.beat = func(ctx context.Context, id string) error {
		var since, transaction, statement, later time.Time
		if err := s.pool.QueryRow(ctx, "update ws set status = 'online' where id = $1 returning since, now(), clock_timestamp()", id).
			Scan(&since, &transaction, &statement); err != nil {
			return err
		}
		if d := time.Since(transaction); d < 0 || d > time.Second {
			return fmt.Errorf("now() is %v, and it is %v", transaction, time.Now())
		}
		if since.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) || since.After(statement) {
			return fmt.Errorf("the row is of %v, and it is %v", since, statement)
		}
		tx, err := s.pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		time.Sleep(time.Minute) // sleeps: in virtual time
		if err := tx.QueryRow(ctx, "select now(), clock_timestamp()").Scan(&transaction, &later); err != nil {
			return err
		}
		if d := later.Sub(transaction); d < time.Minute || d > time.Minute+time.Second {
			return fmt.Errorf("a minute after the transaction began, clock_timestamp() is %v after now()", d)
		}
		return nil
	}
	began := time.Now()
	play(t, target(s, nil))
	for _, err := range s.errs {
		if !strings.Contains(err.Error(), "reset by peer") { // the end of the run, which some beats sleep through
			t.Error(err)
		}
	}
	if took := time.Since(began); took > 5*time.Minute {
		t.Errorf("ten virtual minutes took %v", took)
	}
}

// TestDeadlock has two heartbeats lock two rows in two orders. Postgres ends one of them, as it would in production, and the run goes
// on.
func TestDeadlock(t *testing.T) {
	s := &server{}
	s.beat = func(ctx context.Context, id string) error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "update ws set n = n + 1, status = 'online' where id = $1", id); err != nil {
				return err
			}
			time.Sleep(30 * time.Second) // sleeps: in virtual time, in which the other's beat comes
			_, err := tx.Exec(ctx, "update ws set n = n + 1 where id <> $1", id)
			return err
		})
	}
	play(t, target(s, nil))
	var deadlock *pgconn.PgError
	for _, err := range s.errs {
		if errors.As(err, &deadlock) && deadlock.Code == "40P01" {
			break
		}
	}
	if deadlock == nil || deadlock.Code != "40P01" {
		t.Fatalf("no deadlock in %v", s.errs)
	}
}

// TestSameOnAnyProcessors plays the plan with one processor, with two, and beside four loops that are busy.
func TestSameOnAnyProcessors(t *testing.T) {
	s := &server{}
	s.beat = func(ctx context.Context, id string) error {
		_, err := s.pool.Exec(ctx, "update ws set status = 'online' where id = $1", id)
		return err
	}
	digests := map[string]bool{}
	for _, n := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
		if n == 2 {
			defer busy(t)()
		}
		o := play(t, target(s, nil))
		digests[o.Digest] = true
		moves := 0
		for _, e := range o.History.Events {
			if e.Kind == history.Move && e.WS > 0 {
				moves++
			}
		}
		if moves != 4 {
			t.Errorf("the history has %d moves, want 4: each is created and comes online", moves)
		}
	}
	if len(digests) != 1 {
		t.Errorf("%d courses of one plan", len(digests))
	}
}

// busy has four processes compute, until it is told to stop.
func busy(t *testing.T) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	for range 4 {
		c := exec.Command(os.Args[0], "-test.run", "^$")
		c.Env = append(os.Environ(), envBusy+"=1")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return func() {
		for _, c := range all {
			c.Process.Kill()
			c.Wait()
		}
	}
}

func init() {
	for os.Getenv(envBusy) != "" { // for ever: whoever started it ends it
		_ = 0
	}
}

const envBusy = "BOOTRACE_TEST_BUSY"

// TestStartFails tells what a Start that fails, panics or dials by itself did.
func TestStartFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		start func(bubble.Env, *server) error
		want  string
	}{
		{"an error", func(bubble.Env, *server) error { return errors.New("no licence") }, "starting replica 1: no licence"},
		{"a panic", func(bubble.Env, *server) error { panic("no licence") }, "it panicked: no licence"},
		{"a dial of its own", func(e bubble.Env, _ *server) error {
			_, err := pgx.Connect(e.Context, e.DSN)
			return err
		}, "give it Env.Dial"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := harness.Play(context.Background(), thePlan(), stores.Memory(), target(&server{}, c.start).For(t), nil)
			if o.Fault == nil || !strings.Contains(o.Fault.Error(), c.want) {
				t.Errorf("%v, want %q in it", o.Fault, c.want)
			}
		})
	}
}

// TestPanics has a handler panic: the connection is closed, as net/http does, and the history says so.
func TestPanics(t *testing.T) {
	s := &server{}
	s.beat = func(context.Context, string) error { panic("out of range") }
	o := play(t, target(s, nil))
	for _, f := range o.Judgement.Findings {
		if f.Invariant == "no-panic" && f.Verdict != invariant.Violated {
			t.Errorf("no-panic: %s", f.Verdict)
		}
	}
}

// TestStuckIsTold has two handlers contend for a mutex that one holds across a statement: it is told, with the stack and the way out.
func TestStuckIsTold(t *testing.T) {
	if os.Getenv(envStuck) != "" {
		bubble.SetStuckAfter(5 * time.Second) // short: it is to pass
		s := &server{}
		var mu sync.Mutex
		s.beat = func(ctx context.Context, id string) error {
			mu.Lock()
			defer mu.Unlock()
			_, err := s.pool.Exec(ctx, "update ws set status = 'online' where id = $1", id)
			return err
		}
		s2 := target(s, func(e bubble.Env, s *server) error {
			go func() {
				for range time.Tick(time.Second) {
					s.beat(e.Context, "00000000-0000-0000-0000-000000000000")
				}
			}()
			go func() {
				for range time.Tick(time.Second) {
					s.beat(e.Context, "00000000-0000-0000-0000-000000000000")
				}
			}()
			return nil
		})
		play(t, s2)
		return
	}
	c := exec.Command(os.Args[0], "-test.run", "^TestStuckIsTold$")
	c.Env = append(os.Environ(), envStuck+"=1")
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "hold no mutex across a statement") {
		t.Errorf("%v:\n%s", err, out)
	}
}

const envStuck = "BOOTRACE_TEST_STUCK"
