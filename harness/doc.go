// Package harness plays plans and judges what happened: a plan goes into a world, the world's history goes to the
// invariants, and what they say is kept as a run. The packages below it are the nouns of that pipeline:
//
//	plan       a scenario with every choice made
//	oracle     the one source of choices
//	sched      tasks on virtual time
//	sim        the simulated world
//	agent      the program in a workspace
//	history    what happened, in order
//	invariant  what must hold of every history
//	stores     where simulated controllers keep their rows
//	pgserver   a Postgres server, found or started
//	runs       runs on disk
//	generate   plans that nobody wrote
//	shrink     failing plans, made small
//
// It must not import reports or any command.
package harness
