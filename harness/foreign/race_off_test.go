//go:build !race

package foreign_test

// underRace says that the race detector watches, which makes a run some ten times slower.
const underRace = false
