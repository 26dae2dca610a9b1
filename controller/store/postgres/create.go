package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// buildCreate makes a statement that takes the workspace's columns, and then the event.
//
// It shares the parent's row lock until it commits. A Remove that found no child holds that lock exclusively; so where
// the Remove comes first, this waits, then judges the parent as the Remove left it, and inserts nothing.
func (s *statements) buildCreate() {
	values := make([]string, len(workspaceColumns))
	at := map[string]string{}
	for i, column := range workspaceColumns {
		values[i] = fmt.Sprintf("$%d", i+1)
		at[column] = values[i]
	}
	s.create = named("create", fmt.Sprintf(`WITH parent AS (
SELECT id FROM workspaces WHERE id = %[1]s AND status <> 'removed' FOR SHARE
)
INSERT INTO workspaces (%[2]s)
SELECT %[3]s WHERE %[1]s::uuid IS NULL OR EXISTS (SELECT FROM parent)
RETURNING log_transition(id, incarnation, $%[4]d, NULL, status, '', created_at)`,
		at["parent_id"], columnList(""), strings.Join(values, ", "), len(values)+1))
}

var errNoCreate = errors.New("the lifecycle table has no such way to create a workspace")

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, w store.Workspace, event lifecycle.Event) (store.Transition, error) {
	to, ok := s.table.Next(event, lifecycle.None)
	if !ok {
		return store.Transition{}, s.sql.create.wrap(fmt.Errorf("%w: %s", errNoCreate, event))
	}
	w.Status, w.UpdatedAt, w.Cause = to, w.CreatedAt, ""
	if to == lifecycle.Online {
		w.LastSeenAt = w.CreatedAt
	}
	var seq int64
	p := writeWorkspace(args(), &w).text(event.String())
	if err := s.query(ctx, s.sql.create, p, func(r *row) { seq = r.int64() }); err != nil {
		return store.Transition{}, err
	}
	if seq == 0 {
		return store.Transition{}, store.ErrParent
	}
	return store.Transition{
		Seq: seq, WorkspaceID: w.ID, Incarnation: w.Incarnation, Event: event, To: to, At: cut(w.CreatedAt),
	}, nil
}
