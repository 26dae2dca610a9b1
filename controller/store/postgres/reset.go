package postgres

import "context"

func (s *statements) buildReset() {
	s.reset = named("reset", `WITH rows AS (DELETE FROM workspaces), log AS (DELETE FROM transitions)
SELECT setval('transitions_seq_seq', 1, false), pg_relation_size('workspaces') + pg_relation_size('transitions')`)
	s.resetFiles = named("reset: files", `TRUNCATE workspaces, transitions`)
}

// bloated is the size of the two tables' files at which Reset truncates them.
const bloated = 512 << 10

// Reset forgets every workspace and the log, whose numbers begin again at 1. It is for tests that run many plans on one
// database, and must not run beside other calls.
//
// It deletes, which takes a tenth of the time of TRUNCATE where the tables hold one plan's rows, and spares the plans that
// the connections have prepared. But a delete has to step over what earlier ones left, until a vacuum; measured over
// thousands of resets, it ends up slower by far. So it truncates every hundred times or so.
func (s *Store) Reset(ctx context.Context) error {
	var size int64
	err := s.query(ctx, s.sql.reset, args(), func(r *row) { _, size = r.int64(), r.int64() })
	if err == nil && size > bloated {
		err = s.query(ctx, s.sql.resetFiles, args(), nil)
	}
	return err
}
