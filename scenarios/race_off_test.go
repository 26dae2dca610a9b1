//go:build !race

package scenarios

// underRace says that the race detector watches, which makes a simulation some ten times slower.
const underRace = false
