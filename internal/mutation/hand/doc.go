// Command hand tries mutants that people wrote: faults put into the reference controller as programmers make them. It tells
// which of them the search finds, by what and how fast, and which survive.
//
//	go run ./internal/mutation/hand [-only REGEXP] [-jobs N] [-for 10s] [-seeds 3] [-quick] [-write]
//
// # Mutants
//
// The files in mutants/ hold them, a subject a file. A mutant is a header and one or more replacements:
//
//	== short-lease
//	about: the lease of a claim is shorter than the launch that it covers
//	file: controller/machines.go
//	<<<
//	now.Add(2*c.Settings.LaunchTimeout)
//	===
//	now.Add(c.Settings.LaunchTimeout/2)
//	>>>
//
// The old text must stand in its file exactly once, or it is an error; so a mutant that no longer applies is never taken for
// one that survives. Optional header lines: "store: postgres" where only that store has the code, "cloud: ec2" where only
// the EC2 client has it, and "equivalent: REASON" where nobody who uses the controller can see a difference.
//
// # A trial
//
// The mutants are laid over the module (go build -overlay), so nothing in the tree is touched, and package trial is built with
// them. Building is most of what a mutant would cost, so one program has as many of them in it as there can be: a function that some
// change is there once more for each, and package switched says which one is on. A mutant of something else is built alone.
//
// The trial plays the built-in scenarios, checks generated plans with each seed, and explores two small worlds, each
// within the budget, and each until it finds the fault. A budget is processor time where the system tells it: a busy machine makes no
// mutant survive. With -quick it leaves the small worlds out, and ends with the first seed that finds nothing.
//
// # Results
//
// Results are kept in the folder mutants/hand of the module, by the hash of all that the trial is made of and of the
// mutant, so what did not change is not tried again. With -write the table in TABLE.md is written.
//
// It must not be imported.
package main
