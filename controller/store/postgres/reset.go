package postgres

import "context"

func (s *statements) buildReset() {
	s.reset = named("reset", `WITH rows AS (DELETE FROM workspaces), log AS (DELETE FROM transitions)
SELECT setval('transitions_seq_seq', 1, false)`)
}

// Reset forgets every workspace and the log, whose numbers begin again at 1. It is for tests that run many plans on one
// database, and must not run beside other calls.
func (s *Store) Reset(ctx context.Context) error {
	return s.query(ctx, s.sql.reset, args(), func(*row) {})
}
