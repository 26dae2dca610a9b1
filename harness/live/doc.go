// Package live carries out a plan on wall-clock time, with nothing simulated but the cloud: controllers are processes of
// their own on a real Postgres, agents are programs that the machines of a fake EC2 start, and all calls between them are
// real ones on real sockets.
//
// # How it works
//
// [Run] starts everything that one plan needs, lets it run, and takes it away again. Between the parts stands the harness:
//
//	agent, operator, observer ──▶ gateway ──▶ controller ──▶ (toxiproxy) ──▶ Postgres
//	         │                                    └──▶ cloud faults ──▶ ec2wire ──▶ starts machines
//	         └──▶ LLM preflight endpoint
//
// The gateway names callers, picks a replica, writes down every call and does what the plan's network faults say. The
// database itself writes down every move of a row (postgres.InstallRecorder). Processes report what happens in them.
//
// Time is scaled: a plan's [plan.Live] says how many times faster everything runs, and every duration that a part is
// configured with is divided by that. A history is in the contract's time all the same: the wall clock since the start,
// times the speed.
//
// # Guarantees
//
//   - Nothing is left when Run returns: no process, port, database, file or goroutine. Where the harness itself is killed,
//     its children end with it, and what it left on disk or in the database server is removed by the next run.
//   - A history says what happened, in the order in which it did, as near as one machine's clock can tell. It is not the
//     same twice.
//   - What it cannot do is not attempted: [Supports] says why a plan cannot be carried out.
//
// # Must not import
//
// harness/invariant, or anything that judges or reports.
package live
