package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Channel is where the recorder's triggers tell of moves as soon as they have committed: see InstallRecorder.
const Channel = "bootrace_moves"

// recorder has the database itself write down every move of a row, in the transaction that makes it: so that an observer
// in another process misses none, also of controllers and connections that died, and sees none that did not commit. A
// row's lock puts its moves in order; their times are the server's clock when the row was written.
var recorder = `
CREATE TABLE IF NOT EXISTS bootrace_moves (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    workspace_id uuid NOT NULL,
    name         text NOT NULL,
    incarnation  bigint NOT NULL,
    from_status  text NOT NULL,
    to_status    text NOT NULL,
    speaker      text NOT NULL
);
CREATE OR REPLACE FUNCTION bootrace_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_status text := '';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        old_status := OLD.status::text;
    END IF;
    INSERT INTO bootrace_moves (at, workspace_id, name, incarnation, from_status, to_status, speaker)
    VALUES (clock_timestamp(), NEW.id, NEW.name, NEW.incarnation, old_status, NEW.status::text,
        coalesce(current_setting('bootrace.speaker', true), ''));
    PERFORM pg_notify('` + Channel + `', json_build_object('id', NEW.id, 'name', NEW.name, 'new', old_status = '',
        'incarnation', NEW.incarnation, 'status', NEW.status)::text);
    RETURN NULL;
END
$$;
` + onMoves("bootrace_record")

// InstallRecorder adds the table bootrace_moves and the triggers that write every move of a row into it, and that tell
// whoever listens on Channel, by a [Notice]. It is for a harness, in its own database: a controller's database has no use
// for it, and Migrate never installs it. Installing twice is no error.
func InstallRecorder(ctx context.Context, url string) error {
	return install(ctx, url, "recorder", recorder)
}

// Notice is what the recorder tells on Channel, as JSON.
type Notice struct {
	ID          uuid.UUID        `json:"id"`
	Name        string           `json:"name"`
	New         bool             `json:"new"` // the row is
	Incarnation int              `json:"incarnation"`
	Status      lifecycle.Status `json:"status"`
}

// Move is a recorded move.
type Move struct {
	store.RowChange
	Name    string    // the workspace's
	At      time.Time // the server's clock, when the row was written
	Speaker string    // who made it, where the store was opened with Speaker
}

// Moves returns what was recorded. For one workspace it is in the order of its moves.
func Moves(ctx context.Context, conn *pgx.Conn) ([]Move, error) {
	rows, err := conn.Query(ctx, `SELECT at, workspace_id, name, incarnation, from_status, to_status, speaker
FROM bootrace_moves ORDER BY seq`)
	if err != nil {
		return nil, fmt.Errorf("postgres: reading the recorded moves: %w", err)
	}
	moves, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Move, err error) {
		var id [16]byte
		var from, to string
		if err := row.Scan(&m.At, &id, &m.Name, &m.Incarnation, &from, &to, &m.Speaker); err != nil {
			return m, err
		}
		m.WorkspaceID = id
		if from != "" {
			if m.From, err = lifecycle.ParseStatus(from); err != nil {
				return m, err
			}
		}
		m.To, err = lifecycle.ParseStatus(to)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: reading the recorded moves: %w", err)
	}
	return moves, nil
}

// Speaker has every call of the store tell the server who makes it, for the recorder to write down: what speaker says of
// the call's context. That is one more round trip a call, so it is for a harness alone.
func Speaker(speaker func(context.Context) string) Option {
	return func(o *options) { o.speaker = speaker }
}

// introduce is called with each connection before it is used.
func introduce(speaker func(context.Context) string) func(context.Context, *pgx.Conn) (bool, error) {
	return func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		if _, err := conn.Exec(ctx, "SELECT set_config('bootrace.speaker', $1, false)", speaker(ctx)); err != nil {
			return false, err
		}
		return true, nil
	}
}
