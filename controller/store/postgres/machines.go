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
	s.claimLaunches = named("claim launches", fmt.Sprintf(`WITH due AS MATERIALIZED (
SELECT id FROM workspaces
WHERE status = 'provisioning' AND NOT external AND machine_id = '' AND (launch_after IS NULL OR launch_after <= $1)
ORDER BY %s LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
UPDATE workspaces w SET launch_after = $2, launch_attempts = launch_attempts + 1
FROM due WHERE w.id = due.id RETURNING %s
)
SELECT %s FROM claimed ORDER BY %[1]s`, boots, columnList("w."), columnList("")))

	s.attach = named("attach machine", fmt.Sprintf(`UPDATE workspaces
SET machine_id = $3, machine_incarnation = $2, launch_error = ''
WHERE id = $1 AND incarnation = $2 AND %s AND machine_id IN ('', $3) RETURNING true`,
		isOneOf("status", keepers(true))))

	s.deferLaunch = named("defer launch", `UPDATE workspaces SET launch_error = $3, launch_after = $4
WHERE id = $1 AND incarnation = $2 AND status = 'provisioning' AND machine_id = ''`)

	s.unwanted = named("unwanted machines", fmt.Sprintf(`SELECT %s FROM workspaces
WHERE status = 'hibernating' OR machine_id <> '' AND (NOT %s OR machine_incarnation <> incarnation)
ORDER BY id LIMIT $1`, columnList(""), isOneOf("status", keepers(true))))

	s.release = named("release machine", `UPDATE workspaces SET machine_id = '', machine_incarnation = 0
WHERE id = $1 AND machine_id = $2`)
}

// ClaimLaunches implements store.Store.
func (s *Store) ClaimLaunches(ctx context.Context, now, until time.Time, limit int) ([]store.Workspace, error) {
	return s.workspaces(ctx, s.sql.claimLaunches, args().time(now).time(until).int(limit))
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

// UnwantedMachines implements store.Store.
func (s *Store) UnwantedMachines(ctx context.Context, limit int) ([]store.Workspace, error) {
	return s.workspaces(ctx, s.sql.unwanted, args().int(limit))
}

// ReleaseMachine implements store.Store.
func (s *Store) ReleaseMachine(ctx context.Context, id uuid.UUID, machineID string) error {
	return s.query(ctx, s.sql.release, args().id(id).text(machineID), nil)
}
