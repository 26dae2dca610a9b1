// Package sim carries out a plan in virtual time, in one process: real controllers behind their real HTTP handlers, on a
// real store, with the network, the cloud, the agents and the operator simulated around them.
//
// # How it works
//
// Every controller replica, machine and person is a process of harness/sched; their tasks yield before and after each
// store operation, cloud call and network hop, each of which takes a drawn time. That is where races live. A store
// operation itself is one transaction that nothing interrupts, so the same plan takes the same course on every store.
//
// The cloud is asked without a wire; where the plan wants EC2, the controller's own EC2 client speaks EC2's wire to a fake of
// it, and each attempt of a call is a trip of its own.
//
// The world only writes history. It judges nothing. Beside what happened it writes what a story needs: what calls and ticks read,
// which of their steps failed by which fault, and how many turns found nothing.
//
// # Guarantees
//
//   - The same plan and oracle give the same history to the byte, on every store that passes the conformance suite.
//   - Nothing reaches behind the wire but the probes: the rows' moves, told by the store's observer, and the transition
//     log and rows, read once at the end.
//   - When Run returns, no goroutine of it is left.
//
// # Must not import
//
// harness/invariant, or anything that judges or reports.
package sim
