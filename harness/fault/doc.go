// Package fault decides what a plan's faults do to whatever passes by: a call on the network, an operation of the store, a
// call to the cloud, a preflight. Every world asks it at the same places, so that a fault means the same in all of them.
//
// A [Set] decides and counts; to do what it decides is the world's. It has no clock and no randomness of its own: [World]
// gives it both, and is told whenever a fault strikes.
//
// # Guarantees
//
//   - The same questions in the same order, with the same answers from the world, give the same decisions.
//   - A Set is for one goroutine at a time.
//
// # Must not import
//
// Any world, or what judges.
package fault
