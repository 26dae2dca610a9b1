package runs

import (
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// Form is the version of run.json's form.
const Form = 1

// Worlds of a run.
const (
	Simulated = "sim"     // virtual time
	Live      = "live"    // wall-clock time
	Foreign   = "target"  // against a controller that somebody else runs
	Explored  = "explore" // every interleaving
)

// Run is what run.json holds.
type Run struct {
	Form    int       `json:"form"`
	ID      string    `json:"id"`
	Began   time.Time `json:"began"`
	Version string    `json:"bootrace"` // of the program that wrote it
	Seed    uint64    `json:"seed"`
	World   string    `json:"world"`
	Store   string    `json:"store"`  // "memory" or "postgres"
	Server  string    `json:"server"` // the store, for a person
	Defect  string    `json:"defect,omitempty"`
	// Target names the controller of somebody else's that was tried; empty for the reference controller.
	Target string `json:"target,omitempty"`
	// Test is the command that plays it again, where the controller is one that only a Go test can start; the folder follows it.
	Test string `json:"test,omitempty"`
	// Mark stands in the names of all that the run created at the target.
	Mark string `json:"mark,omitempty"`
	// Interrupted is set where the run was ended before all its scenarios were played.
	Interrupted bool              `json:"interrupted,omitempty"`
	Verdict     invariant.Verdict `json:"verdict"`
	Digest      string            `json:"digest"` // of the scenarios' digests, in their order
	Wall        time.Duration     `json:"wall_ns"`
	Pace        *Pace             `json:"pace,omitempty"` // of a live run
	Results     []*Result         `json:"results"`
	// LeftOut are the scenarios that were asked for and not played, since this world or target cannot do what they are about.
	LeftOut []LeftOut `json:"left_out,omitempty"`

	folder string
	of     *Run // what this plays or judges again
}

// LeftOut is a scenario that was not played, and why.
type LeftOut struct {
	Scenario string `json:"scenario"`
	Reason   string `json:"reason"`
}

// Result is one scenario of a run.
type Result struct {
	Scenario  string               `json:"scenario"`
	Verdict   invariant.Verdict    `json:"verdict"`
	Digest    string               `json:"digest"`
	Events    int                  `json:"events"`
	Wall      time.Duration        `json:"wall_ns"`
	Tries     []Try                `json:"tries,omitempty"`         // before this one
	Fault     string               `json:"harness_fault,omitempty"` // why the harness itself failed
	Groups    []Group              `json:"groups"`
	Judgement *invariant.Judgement `json:"judgement"`
	// First is the violation to look at first, and how it came about.
	First       *invariant.Violation   `json:"first_violation,omitempty"`
	Explanation *invariant.Explanation `json:"explanation,omitempty"`
	Plan        *plan.Plan             `json:"plan"`

	history *history.History
}

// Folder is where the run is kept; empty where it is not.
func (r *Run) Folder() string { return r.folder }

// Again returns a run without results, to which those of playing or judging this one again can be added. It is kept where
// this one is, and must not be saved over it.
func (r *Run) Again(version string) *Run {
	return &Run{
		Form: Form, ID: r.ID, Began: r.Began, Version: version, Seed: r.Seed, World: r.World, Store: r.Store, Server: r.Server,
		Defect: r.Defect, Target: r.Target, LeftOut: r.LeftOut, folder: r.folder, of: r,
	}
}

// Scenarios is how many scenarios the run holds; of a run that repeats another, how many that one does.
func (r *Run) Scenarios() int {
	if r.of != nil {
		return len(r.of.Results)
	}
	return len(r.Results)
}

// Count returns how many results have the verdict. A fault of the harness counts as inconclusive.
func (r *Run) Count(v invariant.Verdict) int {
	n := 0
	for _, x := range r.Results {
		if x.Verdict == v {
			n++
		}
	}
	return n
}

// WallClock reports whether the run was played on a wall clock.
func (r *Run) WallClock() bool {
	for _, x := range r.Results {
		if x.Plan.Live != nil {
			return true
		}
	}
	return false
}

// Virtual is how much virtual time the run covers.
func (r *Run) Virtual() time.Duration {
	var sum time.Duration
	for _, x := range r.Results {
		sum += time.Duration(x.Plan.Duration)
	}
	return sum
}
