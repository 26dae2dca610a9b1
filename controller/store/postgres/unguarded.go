package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

func (s *statements) buildUnguarded() {
	s.setStatus = named("set status", `SELECT m.seq FROM move_workspace($1, $2, $3, $4, $5) m WHERE m.seq IS NOT NULL`)
	s.editRead = named("edit: read", "SELECT "+columnList("")+" FROM workspaces WHERE id = $1 FOR NO KEY UPDATE")
	set := make([]string, 0, len(workspaceColumns)-1)
	for i, column := range workspaceColumns[1:] {
		set = append(set, fmt.Sprintf("%s = $%d", column, i+2))
	}
	s.editWrite = named("edit: write", "UPDATE workspaces SET "+strings.Join(set, ", ")+" WHERE id = $1")
}

// SetStatus implements store.Unguarded.
func (s *Store) SetStatus(ctx context.Context, id uuid.UUID, to lifecycle.Status, event lifecycle.Event, cause string, now time.Time) error {
	found := false
	p := args().id(id).text(event.String()).text(to.String()).text(cause).time(now)
	err := s.query(ctx, s.sql.setStatus, p, func(*row) { found = true })
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return err
}

// Edit implements store.Unguarded. The function is called while the row is locked; it must not call the store.
func (s *Store) Edit(ctx context.Context, id uuid.UUID, alter func(*store.Workspace)) error {
	return s.within(ctx, "edit", func(conn *pgxpool.Conn) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx) //nolint:errcheck // after Commit it does nothing, and before, the first error counts
		var w store.Workspace
		found := false
		if err := run(ctx, conn, s.sql.editRead, args().id(id), func(r *row) { w, found = readWorkspace(r), true }); err != nil {
			return err
		}
		if !found {
			return store.ErrNotFound
		}
		alter(&w)
		w.ID = id
		if err := run(ctx, conn, s.sql.editWrite, writeWorkspace(args(), &w), nil); err != nil {
			return err
		}
		return tx.Commit(ctx)
	})
}

// Exec runs SQL of any kind on one of the store's connections, as a defect or a test does that has something to do to a
// row that no method of a store would. Without arguments it may be several statements, which are one transaction.
//
// An observer is told what it did, unless it failed. The SQL must not begin or end transactions, nor roll back to a point
// within: what it undoes itself, the observer is told of all the same.
func (s *Store) Exec(ctx context.Context, sql string, arguments ...any) error {
	return s.within(ctx, "exec", func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, sql, append([]any{pgx.QueryExecModeSimpleProtocol}, arguments...)...)
		return err
	})
}
