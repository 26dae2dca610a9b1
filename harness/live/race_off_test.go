//go:build !race

package live_test

// underRace says that the race detector watches: in every process of a run, each of which it makes several times as slow.
const underRace = false
