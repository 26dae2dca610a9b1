// Package serving is what the fakes of package fakeprovider's subfolders have in common as servers: listeners that are told
// of machines, replies that get lost, rules that strike some calls, and the JSON of their administration.
//
// # Guarantees
//
//   - Nothing here has a clock, a source of randomness or a goroutine of its own; a wait ends with its context.
//   - Types that hold a state are guarded by the lock of the server that they belong to.
//
// # Must not import
//
// Anything of this module.
package serving
