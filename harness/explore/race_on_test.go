//go:build race

package explore_test

// underRace says that the race detector watches, which makes a simulation some ten times slower.
const underRace = true
