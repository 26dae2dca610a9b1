// Package postgres is the store that keeps its rows in PostgreSQL. It uses nothing newer than version 12, and the probe
// nothing newer than 14; it is tested on what pgserver finds.
//
// # What it is for
//
// The reference controller in production, and every run of the harness that wants a real database under it: several
// controllers, or several replicas of one, may share a database. [Migrate] makes the tables, [Open] connects.
//
// # Guarantees
//
// Those of package store, and on top of them:
//
//   - One call is one round trip and one statement, but for Apply with Childless (one round trip, two statements, one
//     transaction), for ClaimLaunches where it finds something (a look first, and then the statement that claims), and for
//     what is not the controller's: Edit, Exec, Reset. A call that finds its row changed under it by
//     another transaction tries again; a connection's first use of a statement prepares it, and its first use after more
//     than a second pings. The guards are generated from the lifecycle table given to Open, so that an
//     altered table alters the SQL and nothing else.
//   - No statement reads a clock.
//   - A heartbeat that moves nothing is a heap-only update: it touches no index.
//   - No deadlocks and, at READ COMMITTED, no serialization failures. A statement that may wait for a lock waits for one
//     row, and holds no other then, but for Create, which shares its parent and then inserts a row that nobody else can
//     hold. Sweeps lock many rows but wait for none (SKIP LOCKED).
//   - Errors declared in package store are returned as they are. All others are wrapped and name the operation; where the
//     context ended, they are that context's error too.
//
// An observer, where the probe is installed, is told what happened to rows whoever did it: see [Observe] and
// [InstallProbe].
//
// # Must not import
//
// Anything of this module but controller/store and controller/lifecycle.
package postgres
