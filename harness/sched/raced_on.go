//go:build race

package sched

// raced says that the race detector watches.
const raced = true
