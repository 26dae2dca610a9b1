package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// hasChildren is true where a workspace that is not removed names $1 as its parent.
const hasChildren = `EXISTS (SELECT FROM workspaces child WHERE child.parent_id = $1 AND child.status <> 'removed')`

func (s *statements) buildApply(table *lifecycle.Table) {
	for i := range s.apply {
		if g := newGuard(table, lifecycle.Event(i)); !g.none() {
			s.apply[i], s.applyChildless[i] = applyStatement(g, false), applyStatement(g, true)
		}
	}
	const stored = `SELECT false, status, status, incarnation, NULL::bigint, %s FROM workspaces WHERE id = $1`
	s.stored = named("apply nothing", fmt.Sprintf(stored, "false"))
	s.storedChildless = named("apply nothing childless", fmt.Sprintf(stored, hasChildren))
	s.lock = named("apply lock", `SELECT FROM workspaces WHERE id = $1 FOR NO KEY UPDATE`)
}

// applyStatement takes id, incarnation or 0, cause and now; and where it begins an incarnation the boot's deadline and
// token.
func applyStatement(g guard, childless bool) *statement {
	name, condition, flag := "apply "+g.event.String(), "", "false"
	if childless {
		name, condition, flag = name+" childless", " AND NOT "+hasChildren, hasChildren
	}
	set := []string{g.move("$4", "$3")}
	awaiting, removed := g.to(lifecycle.AwaitingAgent), g.to(lifecycle.Removed)
	if g.event.BeginsIncarnation() {
		set = append(set, `incarnation = incarnation + 1, boot_started_at = $4, boot_deadline = $5`,
			`token_hash = $6, token_confirmed = $6::bytea IS NOT NULL`,
			`launch_after = NULL, launch_attempts = 0, launch_error = '', last_seen_at = NULL`,
			`error_rate = 0, sample_error = '', active_tasks = 0, uptime_seconds = 0, current_task = '', runtime_state = ''`)
	} else {
		if !awaiting.none() { // its agent has to call in again
			set = append(set, "last_seen_at = "+awaiting.where("NULL", "last_seen_at"))
		}
		if !removed.none() { // no credential outlives the workspace
			set = append(set, "token_hash = "+removed.where("NULL", "token_hash"),
				"token_confirmed = "+removed.where("false", "token_confirmed"))
		}
	}
	return named(name, outcomeOf(fmt.Sprintf(`UPDATE workspaces SET %s
WHERE id = $1 AND %s AND $2::bigint IN (0, incarnation)%s
RETURNING was, status, incarnation, %s AS seq, false AS flag`,
		strings.Join(set, ",\n"), g.holds("status"), condition, g.log("$4", "$3")), flag))
}

var errNoBoot = errors.New("the event begins an incarnation, and the change has no boot")

// Apply implements store.Store.
func (s *Store) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	c.Cause = clean(c.Cause)
	moves := s.sql.apply[c.Event] != nil
	if moves && c.Event.BeginsIncarnation() && c.Boot == nil {
		return store.Outcome{}, s.sql.apply[c.Event].wrap(errNoBoot)
	}
	arguments := func() *params {
		p := args().id(c.ID)
		if !moves {
			return p
		}
		p.int(c.Incarnation).text(c.Cause).time(c.Now)
		if c.Event.BeginsIncarnation() {
			p.time(c.Boot.Deadline).token(c.Boot.Token)
		}
		return p
	}
	if c.Childless {
		return s.applyChildless(ctx, c, arguments())
	}
	st := s.sql.stored
	if moves {
		st = s.sql.apply[c.Event]
	}
	a, err := s.ask(ctx, st, arguments, func(a *answer) bool {
		_, edge := s.table.Next(c.Event, a.to)
		return edge && (c.Incarnation == 0 || c.Incarnation == a.incarnation)
	})
	if err != nil {
		return store.Outcome{}, err
	}
	if !a.found {
		return store.Outcome{}, store.ErrNotFound
	}
	return a.outcome(c.ID, c.Event, c.Cause, c.Now), nil
}

// applyChildless locks the row, and only then looks for children, with a snapshot taken after that. Create locks the
// parent too, so that whichever of the two comes first is seen by the other.
func (s *Store) applyChildless(ctx context.Context, c store.Change, p *params) (store.Outcome, error) {
	st := s.sql.storedChildless
	if s.sql.applyChildless[c.Event] != nil {
		st = s.sql.applyChildless[c.Event]
	}
	var a answer
	if err := s.queryTwo(ctx, s.sql.lock, args().id(c.ID), st, p, a.read); err != nil {
		return store.Outcome{}, err
	}
	switch {
	case !a.found:
		return store.Outcome{}, store.ErrNotFound
	case !a.changed && a.flag:
		return store.Outcome{}, store.ErrHasChildren
	}
	return a.outcome(c.ID, c.Event, c.Cause, c.Now), nil
}
