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
// Where [Options.Containers] is set, machines are containers that controllers launch by controller/cloud/docker, and the cloud
// faults stand between them and the Docker Engine. Each run has two networks, one to the gateway and one to the LLM providers,
// which are a container as well. A partition takes machines off the first, a stalled agent is a paused container, and what
// happens to machines is heard from the Engine's events. A container asks the harness for its configuration, as a cloud's
// machine asks a metadata service, and its log is its report.
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
//     its children end with it, and what it left on disk or in the database server is removed by the next run; containers and
//     networks by the next run that uses Docker.
//   - A history says what happened, in the order in which it did, as near as one machine's clock can tell. It is not the
//     same twice.
//   - What it cannot do is not attempted: [Supports] says why a plan cannot be carried out.
//
// # Must not import
//
// harness/invariant, or anything that judges or reports.
package live
