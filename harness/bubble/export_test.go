package bubble

import "time"

// SetStuckAfter has runs be ended that make no step for so long.
func SetStuckAfter(d time.Duration) { stuckAfter = d }

// Statements is how many statements all runs have carried out.
func Statements() int64 { return statements.Load() }
