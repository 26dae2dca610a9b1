// Package foreigntest is a workspace server such as somebody else runs, for tests. It serves the wire of molecule-core over
// real HTTP, keeps its rows in memory, sweeps by the clock, and asks a control plane for machines. Each behaviour that was seen
// on a running original is a switch of [Behaviour]; with none of them set, the server keeps the contract.
//
// # Guarantees
//
//   - [Server.Moves] are the moves of its rows, in order: the truth that a verdict on the server must agree with.
//   - All its times are those of package time, so in a testing/synctest bubble, with a [Network] in memory, a run takes no
//     longer than its calls, whatever else the machine does.
//   - After [Server.Close] no goroutine of it is left.
//
// # Must not import
//
// Anything of the harness: it shares no code with what judges it.
package foreigntest
