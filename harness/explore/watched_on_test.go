//go:build race

package explore

// watched says that the race detector watches, which makes a simulation some ten times slower.
const watched = true
