package postgres_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/internal/await"
)

type who struct{}

// The database writes every move of a row down, with who made it, and tells whoever listens; and nothing of what does not
// commit.
func TestRecorder(t *testing.T) {
	ctx := context.Background()
	url := database(t, migrated)
	for range 2 { // twice is no error
		if err := postgres.InstallRecorder(ctx, url); err != nil {
			t.Fatal(err)
		}
	}
	s := connect(t, url, lifecycle.Standard(), postgres.MaxConns(1), postgres.Speaker(func(ctx context.Context) string {
		name, _ := ctx.Value(who{}).(string)
		return name
	}))
	listener, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close(ctx)
	if _, err := listener.Exec(ctx, "LISTEN "+postgres.Channel); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Millisecond)
	id := fleet(t, s, 1)[0]
	apply := func(by string, e lifecycle.Event) {
		t.Helper()
		if _, err := s.Apply(context.WithValue(ctx, who{}, by), store.Change{ID: id, Event: e, Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	apply("pause", lifecycle.Pause)
	apply("nobody", lifecycle.Beat) // moves nothing
	apply("delete", lifecycle.Remove)
	if _, err := listener.Exec(ctx, "BEGIN; UPDATE workspaces SET status = 'online'; ROLLBACK", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	moves, err := postgres.Moves(ctx, listener)
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	move := func(from, to lifecycle.Status, by string) postgres.Move {
		return postgres.Move{
			RowChange: store.RowChange{WorkspaceID: id, Incarnation: row.Incarnation, From: from, To: to}, Name: row.Name, Speaker: by,
		}
	}
	last := began
	for i := range moves {
		if at := moves[i].At; at.Before(last) || at.After(time.Now()) {
			t.Errorf("move %d was made at %s", i, at)
		}
		last, moves[i].At = moves[i].At, time.Time{}
	}
	first := move(lifecycle.None, moves[0].To, "")
	want := []postgres.Move{first, move(first.To, lifecycle.Paused, "pause"), move(lifecycle.Paused, lifecycle.Removed, "delete")}
	if d := cmp.Diff(want, moves); d != "" {
		t.Errorf("recorded (-want +got):\n%s", d)
	}
	for i, m := range want {
		ctx, cancel := context.WithTimeout(ctx, await.Hang)
		notice, err := listener.WaitForNotification(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		var n postgres.Notice
		if err := json.Unmarshal([]byte(notice.Payload), &n); err != nil {
			t.Fatal(err)
		}
		if n.ID != id || n.New != (i == 0) || n.Name != row.Name || n.Status != m.To || n.Incarnation != m.Incarnation {
			t.Errorf("notice %d: %+v", i, n)
		}
	}
}
