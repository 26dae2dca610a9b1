package main

import (
	"os"
	"runtime/debug"
)

// lazyGarbage is how much the heap may grow before it is collected, in percent of what is live. What a search of drawn
// plans keeps is a few megabytes, so that by default the collector runs all the time; five times as much is still little.
const lazyGarbage = 400

// collectLess lets garbage lie for longer, unless the environment says how long it may.
func collectLess() {
	if _, said := os.LookupEnv("GOGC"); !said {
		debug.SetGCPercent(lazyGarbage)
	}
}
