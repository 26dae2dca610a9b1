// Package invariant judges histories. An [Invariant] is a pure function of what happened: it sees a history and the plan
// that the history is of, and nothing of the world that wrote it. [Judge] runs them all; [Explain] says in words how a
// violation came about.
//
// # What an invariant may excuse
//
// A promise with a bound in time is only owed while the controller can keep it. While a replica is down, the store fails
// or is slow, or a clock is off (a [Window]), a bound that is running is extended to start anew when the window ends.
// Calls whose reply was lost may have taken effect, and are judged by what is certain. Promises without a bound (what is
// removed stays removed) are never excused.
//
// # Verdicts
//
// Held, Violated or Inconclusive. A run is inconclusive where a fault of its plan never struck, or what its scenario is
// about did not happen: it proves nothing then, whatever else held.
//
// # What a world cannot see
//
// On wall-clock time ([plan.Live]) every bound is wider by the plan's tolerance. Where rows are out of sight, the invariants
// that can be judged from readings are: [Seen] tells moves from readings, each with the time between which it was made, and
// a promise is broken only where it is for every moment of that time. An invariant that needs anything else that is out of
// sight is inconclusive for that target, never held, and says what it could not see and why.
//
// # Must not import
//
// Any world, or reports.
package invariant
