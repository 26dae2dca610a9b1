// Package bubble plays a controller that knows nothing of this project in virtual time, on a real Postgres.
//
// # How it works
//
// The controller's goroutines, timers and handlers run unmodified in a bubble of testing/synctest, where time passes only while
// all of them wait. Its connections to Postgres are this package's: what a driver writes waits until the scheduler of the simulated
// world chooses it, is sent to a real server in one system call, and its answer is handed back before anything else goes on. So each
// exchange with the database is one step of the schedule, and the rest of the world (agents, operators, cloud, faults) is that of
// package sim.
//
// What reads the clock in SQL reads virtual time: functions such as now() are shadowed by those of a schema that stands before
// pg_catalog in the search path, and keywords such as CURRENT_TIMESTAMP are replaced in the statement. So are random() and
// gen_random_uuid().
//
// A statement that waits for another transaction's lock is told by pg_blocking_pids. Its goroutine waits as it would in production,
// and the step is over once the lock is free: schedules with lock waits and deadlocks are explored for what they are.
//
// # Guarantees
//
//   - The same plan gives the same history, as far as the controller itself does the same twice: the order of a map, a select
//     between two cases that are ready, math/rand without a seed, and goroutines that share a lock while they wait for the
//     database are its own. crypto/rand is the same in every run.
//   - Nothing is written to the controller's tables but by the controller. One trigger on the table of workspaces notes moves.
//
// # Limits
//
// pg_catalog.now() by its full name and 'now'::timestamptz are not virtual. Connections to anything but Postgres, the target's services,
// the control plane and EC2 are refused. A goroutine of the controller's own that panics ends the test process, as Go has it.
package bubble
