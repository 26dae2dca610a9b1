package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
)

// byCreation is the order of List. A creation time of zero is NULL here, and comes first.
const byCreation = "ORDER BY created_at NULLS FIRST, id"

func (s *statements) buildReads() {
	from := "SELECT " + columnList("") + " FROM workspaces "
	s.get = named("get", from+"WHERE id = $1")
	s.lookup = named("lookup", from+"WHERE id = ANY($1)", byCreation)
	s.list = named("list", from+"WHERE status <> 'removed'", byCreation)
	s.children = named("children", from+"WHERE parent_id = $1 AND status <> 'removed'", byCreation)

	const log = "SELECT " + transitionColumns + " FROM transitions "
	s.transitions = named("transitions", log+"ORDER BY seq DESC LIMIT $1")
	s.transitionsOf = named("transitions of one", log+"WHERE workspace_id = $2 ORDER BY seq DESC LIMIT $1")
}

// workspaces runs a statement that returns workspaces.
func (s *Store) workspaces(ctx context.Context, st *statement, p *params) ([]store.Workspace, error) {
	var all []store.Workspace
	err := s.query(ctx, st, p, func(r *row) { all = append(all, readWorkspace(r)) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (store.Workspace, error) {
	var w store.Workspace
	found := false
	err := s.query(ctx, s.sql.get, args().id(id), func(r *row) { w, found = readWorkspace(r), true })
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return w, err
}

// Lookup implements store.Store.
func (s *Store) Lookup(ctx context.Context, ids []uuid.UUID) ([]store.Workspace, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return s.workspaces(ctx, s.sql.lookup, args().ids(ids))
}

// List implements store.Store.
func (s *Store) List(ctx context.Context) ([]store.Workspace, error) {
	return s.workspaces(ctx, s.sql.list, args())
}

// Children implements store.Store.
func (s *Store) Children(ctx context.Context, parent uuid.UUID) ([]store.Workspace, error) {
	return s.workspaces(ctx, s.sql.children, args().id(parent))
}

// transitionColumns are those that readTransition goes through.
const transitionColumns = "seq, workspace_id, incarnation, event, from_status, to_status, cause, at"

func readTransition(r *row) store.Transition {
	return store.Transition{
		Seq: r.int64(), WorkspaceID: r.id(), Incarnation: r.int(), Event: r.event(),
		From: r.status(), To: r.status(), Cause: r.text(), At: r.time(),
	}
}

// log runs a statement that returns transitions.
func (s *Store) log(ctx context.Context, st *statement, p *params) ([]store.Transition, error) {
	var all []store.Transition
	err := s.query(ctx, st, p, func(r *row) { all = append(all, readTransition(r)) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Transitions implements store.Store.
func (s *Store) Transitions(ctx context.Context, id uuid.NullUUID, limit int) ([]store.Transition, error) {
	p := args()
	if limit == 0 {
		p.null() // LIMIT NULL is none
	} else {
		p.int(max(limit, 0))
	}
	if id.Valid {
		return s.log(ctx, s.sql.transitionsOf, p.id(id.UUID))
	}
	return s.log(ctx, s.sql.transitions, p)
}
