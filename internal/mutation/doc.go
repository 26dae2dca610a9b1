// Package mutation holds the property tests that mutants of the controller have to get past: what the harness finds by
// itself, and nothing that was written about one function. `make mutate` runs them against every mutant; see README.md here
// for those that survive, and why.
package mutation
