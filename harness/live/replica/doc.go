// Package replica is a controller replica of the live world: the reference controller in a process of its own, on real
// time, with a real Postgres and a real EC2 client. [Run] is the process's program; it is configured by a [Config] on its
// standard input and says what happens in it by [Report]s on its standard output.
//
// Nothing in it is simulated. Where the plan has faults that strike at a step of the controller into its store, the
// process asks the harness before and after each such step what is to become of it: see [Step]. A harness that wants the
// process dead there kills it while it waits for the answer.
//
// # Must not import
//
// harness/live, which starts it, or anything that judges or reports.
package replica
