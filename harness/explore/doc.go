// Package explore searches every interleaving of a small world: one or two workspaces, a few heartbeats, each tick a turn or
// two, an operator's act, a fault. Where it ends with nothing found, nothing is there to be found within its bounds.
//
// # How it works
//
// The controller under test is the real one. Each HTTP request and each turn of a tick is a program that touches the world
// only through its store, its cloud and its clock. What it does next depends on nothing but what it was answered so
// far, so a program in the middle is told by those answers alone: it is a node of a tree, and to go on from it means to
// answer the call that stands there. A node that was reached before is not run again. That makes a step a few look-ups,
// and it makes a state of the world a plain value: rows, machines, programs under way, agents, the clock, what is left of
// the bounds. States that are equal are explored once.
//
// What replicas keep beside their store is state, too, where their deployment lets it be recalled (sim.Deployment.Recall): a step
// into it is a call like any other, and a crash begins a replica's own part of it anew.
//
// From every state all that could come next does: any program's next call, the start of a tick, an act, a fault, and the
// passing of time to the next moment that matters (with programs under way, that counts as a stall). Two steps that only
// concern different workspaces are not tried in both orders (sleep sets, which leave out steps and no state).
//
// Where the bounds are used up, the world settles: ticks take fair turns, live agents beat, until the state comes round, times
// counted from the present. A promise that is unmet all the way round such a cycle is never met.
//
// # What it can say
//
// The safety of each step is checked at the step, so merging equal states loses none of it; liveness is checked on the
// cycles, and depends on nothing but the state. A clock is read with the answer that a program goes on from.
//
// # Must not import
//
// harness/sim's world, or anything that reports.
package explore
