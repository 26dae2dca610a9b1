package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/internal/await"
)

// behind runs the call while another transaction has done something to the row and not committed, waits until the call
// waits for that, and lets the other commit. So what the call saw at first is not what it finds when it has the lock.
func behind(t *testing.T, url, sql string, id uuid.UUID, call func()) {
	t.Helper()
	ctx := context.Background()
	conn, other := dial(t, url), dial(t, url)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol, id); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	await.Until(t, "the call to wait for a lock", func() bool {
		select {
		case <-done:
			t.Error("the call did not wait")
			return true
		default:
			return ask[bool](t, other, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())`)[0]
		}
	})
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestGuardsAreJudgedOnTheLockedRow(t *testing.T) {
	ctx := context.Background()
	url := database(t, probed)
	s := connect(t, url, lifecycle.Standard())
	beat := func(id uuid.UUID, event lifecycle.Event) (store.Outcome, error) {
		return s.Heartbeat(ctx, store.Beat{ID: id, Token: token, Event: event, Now: start})
	}
	restart := store.Change{Event: lifecycle.Restart, Incarnation: 1, Now: start, Boot: &store.Boot{}}
	for _, c := range []struct {
		name   string
		sql    string // what the other transaction does
		call   func(id uuid.UUID) (store.Outcome, error)
		err    error
		moved  bool
		status lifecycle.Status
		from   lifecycle.Status
	}{
		{
			name: "a heartbeat behind a remove", sql: `UPDATE workspaces SET status = 'removed' WHERE id = $1`,
			call: func(id uuid.UUID) (store.Outcome, error) { return beat(id, lifecycle.Beat) },
			err:  store.ErrRemoved, status: lifecycle.Removed,
		},
		{
			name: "a heartbeat behind a new token", sql: `UPDATE workspaces SET token_hash = sha256('other') WHERE id = $1`,
			call: func(id uuid.UUID) (store.Outcome, error) { return beat(id, lifecycle.Beat) },
			err:  store.ErrUnauthorized, status: lifecycle.Provisioning,
		},
		{
			name: "a heartbeat behind a failure", sql: `UPDATE workspaces SET status = 'failed' WHERE id = $1`,
			call:  func(id uuid.UUID) (store.Outcome, error) { return beat(id, lifecycle.Beat) },
			moved: true, from: lifecycle.Failed, status: lifecycle.Online,
		},
		{
			name: "a sick heartbeat behind another one's move", sql: `UPDATE workspaces SET status = 'online' WHERE id = $1`,
			call:  func(id uuid.UUID) (store.Outcome, error) { return beat(id, lifecycle.BeatSick) },
			moved: true, from: lifecycle.Online, status: lifecycle.Degraded,
		},
		{
			name: "a heartbeat behind a pause", sql: `UPDATE workspaces SET status = 'paused' WHERE id = $1`,
			call:   func(id uuid.UUID) (store.Outcome, error) { return beat(id, lifecycle.Beat) },
			status: lifecycle.Paused,
		},
		{
			name: "a register behind a remove", sql: `UPDATE workspaces SET status = 'removed', token_hash = NULL WHERE id = $1`,
			call: func(id uuid.UUID) (store.Outcome, error) {
				return s.Register(ctx, store.Registration{ID: id, Token: token, NewToken: token, Now: start})
			},
			err: store.ErrRemoved, status: lifecycle.Removed,
		},
		{
			name: "a card behind a new token", sql: `UPDATE workspaces SET token_hash = sha256('other') WHERE id = $1`,
			call: func(id uuid.UUID) (store.Outcome, error) {
				return store.Outcome{}, s.UpdateCard(ctx, id, token, []byte(`{}`))
			},
			err: store.ErrUnauthorized, status: lifecycle.Provisioning,
		},
		{
			name: "a restart behind a restart of the same incarnation",
			sql:  `UPDATE workspaces SET incarnation = 2 WHERE id = $1`,
			call: func(id uuid.UUID) (store.Outcome, error) {
				c := restart
				c.ID = id
				return s.Apply(ctx, c)
			},
			status: lifecycle.Provisioning,
		},
		{
			name: "a pause behind a remove", sql: `UPDATE workspaces SET status = 'removed' WHERE id = $1`,
			call: func(id uuid.UUID) (store.Outcome, error) {
				return s.Apply(ctx, store.Change{ID: id, Event: lifecycle.Pause, Now: start})
			},
			status: lifecycle.Removed,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := fleet(t, s, 1)[0]
			behind(t, url, c.sql, id, func() {
				out, err := c.call(id)
				if !errors.Is(err, c.err) {
					t.Errorf("error = %v, want %v", err, c.err)
				}
				if err == nil && (out.Moved != c.moved || out.Status != c.status || out.Transition.From != c.from) {
					t.Errorf("outcome = %+v", out)
				}
			})
			w, err := s.Get(ctx, id)
			if err != nil || w.Status != c.status {
				t.Errorf("the workspace is %s, %v, want %s", w.Status, err, c.status)
			}
		})
	}
}

func TestChildrenAndTheirParentsEnd(t *testing.T) {
	ctx := context.Background()
	url := database(t, probed)
	s := connect(t, url, lifecycle.Standard())

	parent := fleet(t, s, 1)[0]
	behind(t, url, `SELECT FROM workspaces WHERE id = $1 FOR SHARE;
		CREATE TEMP TABLE child AS SELECT * FROM workspaces WHERE id = $1;
		UPDATE child SET id = gen_random_uuid(), parent_id = $1;
		INSERT INTO workspaces SELECT * FROM child`, parent, func() {
		out, err := s.Apply(ctx, store.Change{ID: parent, Event: lifecycle.Remove, Childless: true, Now: start})
		if !errors.Is(err, store.ErrHasChildren) {
			t.Errorf("a remove behind the create of a child = %+v, %v", out, err)
		}
	})
	if w, err := s.Get(ctx, parent); err != nil || w.Status != lifecycle.Provisioning {
		t.Errorf("the parent is %s, %v", w.Status, err)
	}

	parent = fleet(t, s, 1)[0]
	behind(t, url, `UPDATE workspaces SET status = 'removed' WHERE id = $1`, parent, func() {
		child := store.Workspace{ID: uuid.New(), ParentID: uuid.NullUUID{UUID: parent, Valid: true}}
		if tr, err := s.Create(ctx, child, lifecycle.Create); !errors.Is(err, store.ErrParent) {
			t.Errorf("a create behind the remove of its parent = %+v, %v", tr, err)
		}
	})
	if kin, err := s.Children(ctx, parent); err != nil || kin != nil {
		t.Errorf("the removed parent has children: %+v, %v", kin, err)
	}
}

// A sweep waits for nobody: what another transaction holds, it leaves to the next sweep.
func TestSweepsSkipWhatOthersHold(t *testing.T) {
	ctx := context.Background()
	url := database(t, probed)
	s := connect(t, url, lifecycle.Standard())
	booting, silent := fleet(t, s, 2), fleet(t, s, 2)
	for _, id := range silent {
		if _, err := s.Heartbeat(ctx, store.Beat{ID: id, Token: token, Event: lifecycle.Beat, Now: start}); err != nil {
			t.Fatal(err)
		}
	}
	soon, cancel := context.WithTimeout(ctx, await.Hang)
	defer cancel()
	sweep := func() (moved []uuid.UUID) {
		late, err := s.ExpireBoots(soon, start.Add(time.Hour), "late", 10)
		if err != nil {
			t.Fatal(err)
		}
		gone, err := s.ExpireSilent(soon, store.Silence{Now: start.Add(time.Hour), Limit: 10}, "silent")
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range append(late, gone...) {
			moved = append(moved, tr.WorkspaceID)
		}
		return moved
	}
	tx, err := dial(t, url).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	held := []uuid.UUID{booting[0], silent[0]}
	if _, err := tx.Exec(ctx, `SELECT FROM workspaces WHERE id = ANY($1) FOR NO KEY UPDATE`, held); err != nil {
		t.Fatal(err)
	}
	found, err := s.ClaimLaunches(soon, start, start, 10)
	if err != nil || len(found.Claimed) != 1 || found.Claimed[0].ID != booting[1] {
		t.Errorf("beside a lock, %d were claimed, %v", len(found.Claimed), err)
	}
	if moved := sweep(); len(moved) != 2 || moved[0] != booting[1] || moved[1] != silent[1] {
		t.Errorf("beside a lock, the sweeps moved %v", moved)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if moved := sweep(); len(moved) != 2 || moved[0] != held[0] || moved[1] != held[1] {
		t.Errorf("afterwards, the sweeps moved %v", moved)
	}
}

// One connection is enough for any number of calls at once.
func TestSmallPool(t *testing.T) {
	s := connect(t, database(t, probed), lifecycle.Standard(), postgres.MaxConns(1))
	ids := fleet(t, s, 4)
	done := make(chan error)
	for i := range 20 {
		go func() {
			c := store.Change{ID: ids[i%len(ids)], Event: lifecycle.Restart, Now: start, Childless: i%2 == 0, Boot: &store.Boot{}}
			_, err := s.Apply(context.Background(), c)
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
