// Package store is what the controller needs kept, as an interface: workspaces and the log of their transitions.
// Implementations stand beside it: memory, for simulation, and postgres, for everything else. The conformance suite in
// storetest holds them to the same behaviour, down to the values returned.
//
// # Guarantees that every store gives
//
//   - Each method is one transaction, and takes effect wholly or not at all. When a method returns an error other than
//     one declared here, the effect is unknown: it may have committed before the reply was lost.
//   - Every transition is one compare-and-set on the row, judged by the store's [lifecycle.Table], and its row in the
//     transition log commits with it: an entry exists if and only if the workspace moved.
//   - Texts are kept as they come, but for NUL and what is no UTF-8, which become U+FFFD: no agent can make its own row
//     fail by what it sends.
//   - Time is a parameter. A store reads no clock. Times are UTC and are kept to the microsecond; finer parts are cut.
//   - Results come in a stated order, so that the same sequence of calls gives the same results on every store.
//   - Sweeping methods may be called by several controller replicas at once; no row is moved twice.
//
// # Must not import
//
// Anything of this module but controller/lifecycle.
package store
