// Package sched runs tasks as coroutines on virtual time: one task runs at a time, and another only when the running one
// sleeps, parks or yields. What runs next among several is the oracle's choice. Ten virtual minutes in which nothing
// happens cost nothing.
//
// # Guarantees
//
//   - Between two of its own steps into this package a task runs alone; no lock is needed among tasks.
//   - The same oracle answers and the same task code give the same sequence of steps.
//   - Killing a process unwinds its tasks where they stand, like a kill -9: they execute nothing of their own but deferred
//     functions, and any step that those try into this package ends them at once.
//
// It must not import anything of this module but harness/oracle.
package sched
