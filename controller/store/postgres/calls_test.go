package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/internal/await"
)

// calls are one call of each method, on a fleet of one.
func calls(s *postgres.Store, id uuid.UUID) map[string]func(ctx context.Context) error {
	now := start.Add(time.Minute)
	restart := store.Change{ID: id, Event: lifecycle.Restart, Now: now, Boot: &store.Boot{Token: token}}
	childless := restart
	childless.Childless = true
	return map[string]func(ctx context.Context) error{
		"create": func(ctx context.Context) error {
			_, err := s.Create(ctx, store.Workspace{ID: uuid.New(), ParentID: uuid.NullUUID{UUID: id, Valid: true}}, lifecycle.CreateExternal)
			return err
		},
		"get":      func(ctx context.Context) error { _, err := s.Get(ctx, id); return err },
		"lookup":   func(ctx context.Context) error { _, err := s.Lookup(ctx, []uuid.UUID{id}); return err },
		"list":     func(ctx context.Context) error { _, err := s.List(ctx); return err },
		"children": func(ctx context.Context) error { _, err := s.Children(ctx, id); return err },
		"apply":    func(ctx context.Context) error { _, err := s.Apply(ctx, restart); return err },
		"apply nothing": func(ctx context.Context) error {
			_, err := s.Apply(ctx, store.Change{ID: id, Event: lifecycle.Wake, Now: now, Boot: &store.Boot{}})
			return err
		},
		"apply childless": func(ctx context.Context) error {
			_, err := s.Apply(ctx, childless)
			if errors.Is(err, store.ErrHasChildren) { // create, above, may have come first
				return nil
			}
			return err
		},
		"heartbeat": func(ctx context.Context) error {
			_, err := s.Heartbeat(ctx, store.Beat{ID: id, Token: token, Event: lifecycle.Beat, Now: now})
			return err
		},
		"register": func(ctx context.Context) error {
			_, err := s.Register(ctx, store.Registration{ID: id, Token: token, Now: now})
			return err
		},
		"update card":  func(ctx context.Context) error { return s.UpdateCard(ctx, id, token, []byte(`{}`)) },
		"expire boots": func(ctx context.Context) error { _, err := s.ExpireBoots(ctx, now.Add(time.Hour), "", 10); return err },
		"expire silent": func(ctx context.Context) error {
			_, err := s.ExpireSilent(ctx, store.Silence{Now: now.Add(time.Hour), Limit: 10}, "")
			return err
		},
		"claim launches":  func(ctx context.Context) error { _, err := s.ClaimLaunches(ctx, now, now, 10); return err },
		"attach machine":  func(ctx context.Context) error { _, err := s.AttachMachine(ctx, id, 1, "i-1"); return err },
		"defer launch":    func(ctx context.Context) error { return s.DeferLaunch(ctx, id, 1, "", now) },
		"release machine": func(ctx context.Context) error { return s.ReleaseMachine(ctx, id, "i-1") },
		"transitions":     func(ctx context.Context) error { _, err := s.Transitions(ctx, uuid.NullUUID{}, 10); return err },
		"set status": func(ctx context.Context) error {
			return s.SetStatus(ctx, id, lifecycle.Online, lifecycle.Beat, "", now)
		},
		"ping": s.Ping,
	}
}

// Every call is one round trip, whatever comes of it, but for a claim that finds something.
func TestOneRoundTripACall(t *testing.T) {
	var writes atomic.Int64
	s := connect(t, database(t, probed), lifecycle.Standard(), postgres.MaxConns(1),
		postgres.OnWrite(func() { writes.Add(1) }), postgres.Observe(func(store.RowChange) {}))
	ctx := context.Background()
	id := fleet(t, s, 1)[0]
	refused := store.Beat{ID: id, Event: lifecycle.Beat, Now: start}
	unknown := store.Beat{ID: uuid.New(), Event: lifecycle.Beat, Now: start}
	all := calls(s, id)
	all["heartbeat refused"] = func(ctx context.Context) error { return wants(store.ErrUnauthorized)(s.Heartbeat(ctx, refused)) }
	all["heartbeat of nobody"] = func(ctx context.Context) error { return wants(store.ErrNotFound)(s.Heartbeat(ctx, unknown)) }
	for name, call := range all {
		// The first time it is prepared. A heartbeat has a statement for each event, and the row moves meanwhile.
		for range 2 {
			if err := call(ctx); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		before := writes.Load()
		if err := call(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := writes.Load() - before; n != 1 && name != "claim launches" {
			t.Errorf("%s took %d round trips", name, n)
		}
	}
	claim := func(what string, want int64, claimed, unwanted int) {
		t.Helper()
		before := writes.Load()
		found, err := s.ClaimLaunches(ctx, start, start.Add(time.Minute), 10)
		if err != nil || len(found.Claimed) != claimed || len(found.Unwanted) != unwanted {
			t.Errorf("%s: claimed %d, unwanted %d, %v", what, len(found.Claimed), len(found.Unwanted), err)
		}
		if n := writes.Load() - before; n != want {
			t.Errorf("%s: a claim took %d round trips", what, n)
		}
	}
	s = connect(t, database(t, probed), lifecycle.Standard(), postgres.MaxConns(1), postgres.OnWrite(func() { writes.Add(1) }))
	_, err := s.ClaimLaunches(ctx, start, start, 10) // prepares the look
	if err != nil {
		t.Fatal(err)
	}
	ids := fleet(t, s, 2)
	if _, err := s.ClaimLaunches(ctx, start.Add(-time.Hour), start, 0); err != nil { // prepares the claim
		t.Fatal(err)
	}
	claim("two that want machines", 2, 2, 0)
	claim("while they are leased", 1, 0, 0)
	for _, id := range ids {
		if ok, err := s.AttachMachine(ctx, id, 1, "i-1"); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	claim("all is well", 1, 0, 0)
	if _, err := s.Apply(ctx, store.Change{ID: ids[0], Event: lifecycle.Pause, Now: start}); err != nil {
		t.Fatal(err)
	}
	claim("one is paused", 2, 0, 1)
}

func wants(want error) func(_ store.Outcome, err error) error {
	return func(_ store.Outcome, err error) error {
		if errors.Is(err, want) {
			return nil
		}
		return errors.Join(errors.New("not the error wanted"), err)
	}
}

// A call whose context has ended, or ends while the call waits for a row, returns soon and says so; and the store is as
// good as before.
func TestContextEnds(t *testing.T) {
	for _, opts := range [][]postgres.Option{nil, {postgres.BusyPoll(time.Millisecond)}} {
		url := database(t, probed)
		s := connect(t, url, lifecycle.Standard(), append(opts, postgres.MaxConns(2))...)
		id := fleet(t, s, 1)[0]
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		for name, call := range calls(s, id) {
			if err := call(ended); !errors.Is(err, context.Canceled) {
				t.Errorf("%s with a cancelled context = %v", name, err)
			} else if !strings.Contains(err.Error(), "postgres: "+strings.SplitN(name, " ", 2)[0]) {
				t.Errorf("the error of %s does not name it: %v", name, err)
			}
		}
		// Somebody holds the row.
		ctx := context.Background()
		conn := dial(t, url)
		if _, err := conn.Exec(ctx, `BEGIN; LOCK TABLE workspaces`); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // short: it expires
		began := time.Now()
		_, err := s.Heartbeat(soon, store.Beat{ID: id, Token: token, Event: lifecycle.Beat, Now: start})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a heartbeat that waits too long = %v", err)
		}
		if took := time.Since(began); took > await.Hang {
			t.Errorf("a heartbeat with a deadline of 50ms took %v", took)
		}
		if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
			t.Fatal(err)
		}
		for name, call := range calls(s, id) {
			if err := call(ctx); err != nil {
				t.Errorf("%s afterwards: %v", name, err)
			}
		}
	}
}

func TestErrorsNameTheirOperation(t *testing.T) {
	ctx := context.Background()
	if _, err := postgres.Open(ctx, "host=/nowhere user=nobody", lifecycle.Standard()); err == nil || !strings.HasPrefix(err.Error(), "postgres: open: ") {
		t.Errorf("Open of nothing = %v", err)
	}
	if err := postgres.Migrate(ctx, "host=/nowhere user=nobody"); err == nil || !strings.HasPrefix(err.Error(), "postgres: migrate: ") {
		t.Errorf("Migrate of nothing = %v", err)
	}
	if err := postgres.InstallProbe(ctx, "host=/nowhere user=nobody"); err == nil || !strings.HasPrefix(err.Error(), "postgres: install probe: ") {
		t.Errorf("InstallProbe of nothing = %v", err)
	}
	s := connect(t, database(t, probed), lifecycle.Standard(), postgres.MaxConns(1))
	if err := s.Exec(ctx, `ALTER TABLE workspaces RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls(s, uuid.New()) {
		err := call(ctx)
		if name == "ping" || name == "transitions" {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "postgres: "+strings.SplitN(name, " ", 2)[0]) {
			t.Errorf("%s without a table = %v", name, err)
		}
	}
}
