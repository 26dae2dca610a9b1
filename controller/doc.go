// Package controller is the reference workspace controller: it keeps the promise that every workspace whose agent
// heartbeats converges to online. It can be used by itself as a server (`bootrace controller`).
//
// # How it works
//
// It is level-triggered. A request only records intent in the store; everything else is a tick that reads what is stored
// and acts on it. So a kill at any moment loses nothing: the next tick goes on from what is there.
//
//	launcher         stops machines that no workspace wants, and launches those that are wanted and missing
//	provision-sweep  provisioning for longer than the budget → failed ("not yet", not "dead")
//	liveness-sweep   no proof of life for the TTL → offline
//	orphan-sweep     machines in the cloud that no current incarnation owns → terminated
//
// The one exception: a hibernate request stops its machine before it answers, since the contract's answer says that it is
// stopped. It runs the launcher's own step for that one workspace, and the launcher finishes it if the request dies.
//
// # Guarantees
//
//   - What may move where is said by lifecycle's table alone; every move is a compare-and-set in the store.
//   - A late outcome of an older incarnation never moves a newer one.
//   - A reply says what is stored.
//   - No handler starts a goroutine, reads the wall clock or draws randomness: clock, entropy and concurrency are
//     parameters ([Config]), so that a simulation can run it deterministically.
//   - Several replicas may run on one database.
//
// # Must not import
//
// The harness, the fakes, the scenarios or the reports.
package controller
