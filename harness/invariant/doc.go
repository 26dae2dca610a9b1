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
// # Must not import
//
// Any world, or reports.
package invariant
