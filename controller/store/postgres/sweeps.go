package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// buildSweeps makes the statements of the sweeps that move workspaces.
//
// Each picks and locks what is due, in the promised order, and moves it row by row in that order. A row that another
// transaction holds is skipped: it is being moved or proven alive just now, and is seen again at the next sweep. A row
// that changed since the snapshot was taken is judged again as it is now, by Postgres, when its lock is had; the status
// that due yields is that of the locked row.
func (s *statements) buildSweeps(table *lifecycle.Table) {
	boots := newGuard(table, lifecycle.ProvisionTimeout)
	if !boots.none() {
		s.expireBoots = sweepStatement("expire boots", boots,
			`boot_deadline <= $1`, `boot_deadline`,
			`$2::text || CASE WHEN launch_error = '' THEN '' ELSE '; last launch error: ' || launch_error END`)
	}
	silent := newGuard(table, lifecycle.Silence)
	if !silent.none() {
		s.expireSilent = sweepStatement("expire silent", silent,
			`last_seen_at <= CASE WHEN external THEN $5::timestamptz ELSE $4::timestamptz END`, `last_seen_at`, `$2::text`)
	}
}

// sweepStatement takes now, cause, limit, and what its condition needs besides.
func sweepStatement(name string, g guard, condition, oldest, cause string) *statement {
	return named(name, fmt.Sprintf(`WITH due AS MATERIALIZED (
SELECT id, %s AS next, %s AS why FROM workspaces
WHERE %s AND %s
ORDER BY %s, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
SELECT %s FROM due CROSS JOIN LATERAL move_workspace(due.id, %s, due.next, due.why, $1::timestamptz)`,
		g.next(), cause, g.holds("status"), condition, oldest, transitionColumns, quote(g.event)))
}

// ExpireBoots implements store.Store.
func (s *Store) ExpireBoots(ctx context.Context, now time.Time, cause string, limit int) ([]store.Transition, error) {
	if s.sql.expireBoots == nil {
		return nil, nil
	}
	return s.log(ctx, s.sql.expireBoots, args().time(now).text(cause).int(limit))
}

// ExpireSilent implements store.Store.
func (s *Store) ExpireSilent(ctx context.Context, q store.Silence, cause string) ([]store.Transition, error) {
	if s.sql.expireSilent == nil {
		return nil, nil
	}
	now := cut(q.Now)
	return s.log(ctx, s.sql.expireSilent,
		args().time(now).text(cause).int(q.Limit).time(now.Add(-q.TTL)).time(now.Add(-q.ExternalTTL)))
}
