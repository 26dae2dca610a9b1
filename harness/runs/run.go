package runs

import (
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// Form is the version of run.json's form.
const Form = 1

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
	// Interrupted is set where the run was ended before all its scenarios were played.
	Interrupted bool              `json:"interrupted,omitempty"`
	Verdict     invariant.Verdict `json:"verdict"`
	Digest      string            `json:"digest"` // of the scenarios' digests, in their order
	Wall        time.Duration     `json:"wall_ns"`
	Results     []*Result         `json:"results"`

	folder string
}

// Result is one scenario of a run.
type Result struct {
	Scenario  string               `json:"scenario"`
	Verdict   invariant.Verdict    `json:"verdict"`
	Digest    string               `json:"digest"`
	Events    int                  `json:"events"`
	Wall      time.Duration        `json:"wall_ns"`
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

// Virtual is how much virtual time the run covers.
func (r *Run) Virtual() time.Duration {
	var sum time.Duration
	for _, x := range r.Results {
		sum += time.Duration(x.Plan.Duration)
	}
	return sum
}

// FirstViolated returns the first result that is violated, or nil.
func (r *Run) FirstViolated() *Result {
	for _, x := range r.Results {
		if x.First != nil {
			return x
		}
	}
	return nil
}
