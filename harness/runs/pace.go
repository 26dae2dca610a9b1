package runs

import "github.com/bootrace/bootrace/harness/invariant"

// Pace is how fast a live run went.
type Pace struct {
	Asked float64 `json:"asked"`           // the speed, or the fastest where it adapts
	Exact bool    `json:"exact,omitempty"` // it does not adapt
	Free  float64 `json:"free"`            // the share of the machine that was free at the start, from 0 to 1
	Holds float64 `json:"holds"`           // the highest speed at which a scenario could be judged; 0 where none could
	Last  float64 `json:"last"`            // the speed at the end
	Jobs  int     `json:"jobs"`            // scenarios at a time at the end
}

// Try is a run of a scenario that was made again more slowly, since this machine had been too slow to judge it.
type Try struct {
	Speed float64             `json:"speed"`
	Slow  *invariant.Slowness `json:"slow"`
}
