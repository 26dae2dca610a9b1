// Package foreign is the world of a controller that somebody else wrote and runs. It drives the controller over its wire on
// a wall clock: it creates workspaces, boots agents that register and heartbeat (or waits for the controller to ask its
// control plane for machines, which is served here then, or to launch them at a fake provider, which tells of them), does what the operator does, and reads the statuses by polling and
// from the events feed. It only writes a history, in which whatever cannot be seen from outside is said to be unseen.
//
//	session, err := foreign.Open(ctx, target)  // the preflight: the target is there, and speaks this wire
//	p, leftOut, err := target.Fit(scenario, seed)
//	h, err := session.Play(ctx, p)
//
// # Guarantees
//
//   - An error names the call that failed. Whatever answers in another language than the wire's (HTML, half a JSON, a status
//     that nobody knows) is an error, and never becomes a verdict.
//   - Workspaces have names that no other run gives, and are deleted at the end; others are never touched.
//   - A scenario that needs what the target does not offer is left out, with the reason.
//   - When Play returns, no agent of it is left.
//
// # Must not import
//
// harness/invariant, or anything that judges or reports.
package foreign
