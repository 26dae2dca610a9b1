// Package harness plays plans and judges what happened: a plan goes into a world, the world's history goes to the invariants,
// and their verdicts are kept as a run. It searches, too: [Checking] draws plans, [Verify] is that inside a Go test, and both
// shrink what they find. The packages below it are the nouns of that pipeline.
//
// What a run is made of:
//
//	plan       a scenario with every choice made
//	generate   plans that nobody wrote
//	oracle     the only source of choices
//	fault      what a plan's faults do to what passes by
//	agent      the program in a workspace; agent/standalone is it as a process
//	operator   the person who creates workspaces and acts on them
//	intruder   a caller who has no right to anything
//	preflight  the request to an LLM provider that ends a cold boot
//
// Worlds, which carry a plan out and write a history:
//
//	sim        everything in one process, in virtual time, on sched's tasks
//	bubble     an unmodified Go controller in virtual time, on a real Postgres
//	live       processes or containers on the wall clock
//	foreign    a controller that somebody else runs, by its URL and dialect
//	explore    every interleaving of a small world
//
// What worlds stand on:
//
//	sched      tasks as coroutines on virtual time
//	stores     fresh stores for simulated controllers
//	intercept  what stands between a controller and its store
//	pgserver   a Postgres server, found or started
//	child      programs that belong to a run
//	hiccup     how slow the machine is
//
// Judgement, which sees histories only:
//
//	history    what happened, in order
//	contract   the contract as data; rules looks it up for histories
//	invariant  what must hold of every history, and why it did not
//	linear     whether replies have some legal order
//
// After that:
//
//	shrink     failing plans, made small
//	bridge     live runs, played again in virtual time
//	runs       runs on disk
//
// It must not import reports or any command.
package harness
