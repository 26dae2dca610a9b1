package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
)

// buildMachines makes the statements of the launcher and the orphan sweeper. None of them moves a status.
func (s *statements) buildMachines() {
	const boots = "boot_started_at NULLS FIRST, id"
	due := "status = 'provisioning' AND NOT external AND machine_id = '' AND (launch_after IS NULL OR launch_after <= $1)"
	unwanted := fmt.Sprintf("(status = 'hibernating' OR machine_id <> '' AND (NOT %s OR machine_incarnation <> incarnation))",
		isOneOf("status", keepers(true)))
	s.anyLaunches = named("claim launches: look", fmt.Sprintf(`SELECT EXISTS (SELECT FROM workspaces WHERE %s)
OR EXISTS (SELECT FROM workspaces WHERE %s)`, due, unwanted))
	// What is claimed has no machine, and what is unwanted has one or hibernates, in the one snapshot that both are looked
	// for in: so no row is in both lists.
	s.claimLaunches = named("claim launches", fmt.Sprintf(`WITH due AS MATERIALIZED (
SELECT id FROM workspaces WHERE %s
ORDER BY %s LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
UPDATE workspaces w SET launch_after = $2, launch_attempts = launch_attempts + 1
FROM due WHERE w.id = due.id RETURNING %s
)
(SELECT true, %s FROM claimed ORDER BY %[2]s)
UNION ALL
(SELECT false, %[4]s FROM workspaces WHERE %s ORDER BY id LIMIT $3)`,
		due, boots, columnList("w."), columnList(""), unwanted))

	s.attach = named("attach machine", fmt.Sprintf(`UPDATE workspaces
SET machine_id = $3, machine_incarnation = $2, launch_error = ''
WHERE id = $1 AND incarnation = $2 AND %s AND machine_id IN ('', $3) RETURNING true`,
		isOneOf("status", keepers(true))))

	s.deferLaunch = named("defer launch", `UPDATE workspaces SET launch_error = $3, launch_after = $4
WHERE id = $1 AND incarnation = $2 AND status = 'provisioning' AND machine_id = ''`)

	s.release = named("release machine", `UPDATE workspaces SET machine_id = '', machine_incarnation = 0
WHERE id = $1 AND machine_id = $2`)
}

// ClaimLaunches implements store.Store. It looks first whether there is anything, since nearly always there is not, and to
// set up the statement that claims takes Postgres longer than to look. Where there is not, that look was the call; where
// there is, the statement judges for itself, and is the one transaction that has an effect.
func (s *Store) ClaimLaunches(ctx context.Context, now, until time.Time, limit int) (found store.Launches, err error) {
	some := false
	err = s.query(ctx, s.sql.anyLaunches, args().time(now), func(r *row) { some = r.bool() })
	if err != nil || !some {
		return found, err
	}
	p := args().time(now).time(until).int(limit)
	err = s.query(ctx, s.sql.claimLaunches, p, func(r *row) {
		list := &found.Unwanted
		if r.bool() {
			list = &found.Claimed
		}
		*list = append(*list, readWorkspace(r))
	})
	if err != nil {
		return store.Launches{}, err
	}
	return found, nil
}

// AttachMachine implements store.Store.
func (s *Store) AttachMachine(ctx context.Context, id uuid.UUID, incarnation int, machineID string) (attached bool, err error) {
	p := args().id(id).int(incarnation).text(machineID)
	err = s.query(ctx, s.sql.attach, p, func(r *row) { attached = r.bool() })
	return attached && err == nil, err
}

// DeferLaunch implements store.Store.
func (s *Store) DeferLaunch(ctx context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error {
	p := args().id(id).int(incarnation).text(launchError).time(next)
	return s.query(ctx, s.sql.deferLaunch, p, nil)
}

// ReleaseMachine implements store.Store.
func (s *Store) ReleaseMachine(ctx context.Context, id uuid.UUID, machineID string) error {
	return s.query(ctx, s.sql.release, args().id(id).text(machineID), nil)
}
