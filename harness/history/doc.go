// Package history is what happened in a run, in order. A world writes it; every judgement and every report reads nothing
// else, so a stored history can be judged again by newer invariants and rendered again in any form.
//
// # Guarantees
//
//   - A history is a list of events in the order in which they happened; times never decrease.
//   - The encoding (one JSON object a line) is canonical: equal histories give equal bytes, so that [History.Digest] tells
//     whether two runs were the same.
//   - Decoding what was encoded gives back the same history.
//
// # Must not import
//
// Anything of this module but controller/lifecycle: a history can be read without any world.
package history
