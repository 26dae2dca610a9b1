// Package linear checks whether the replies that callers saw have some legal order: whether a workspace that does one thing
// at a time, by the lifecycle's table, could have given each of them at a moment between its request and its reply. The
// search is porcupine's; the model of a workspace is ours.
//
// # What the model allows
//
//   - Sweeps and ticks happen whenever they like: a provision budget that is over, a silence, a stopped machine. When they
//     must and must not is for the invariants with bounds.
//   - A call without a clear answer (lost, timed out, 5xx) may have taken effect at any time after it was sent, or never. An
//     agent's may even have done so more than once, which costs little and keeps the search short.
//   - Where the controller's rows are out of sight, as those of somebody else's are, a call may take several steps, and show the
//     statuses of between meanwhile; whose calls count is for current-incarnation then. The reference controller's calls are
//     one step each.
//   - A refusal other than "there is no such workspace" (404, 410) changes nothing and may come at any time.
//
// # Guarantees
//
//   - A problem that is not Unknown is certain: no order of the replies is legal.
//   - The same history gives the same answer, but for Unknown, which depends on how long the search may take.
//
// # Must not import
//
// Any world, harness/invariant, or reports.
package linear
