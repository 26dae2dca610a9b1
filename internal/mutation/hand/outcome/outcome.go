// Package outcome is what a trial of a mutant says to the program that started it. It must not import anything of this
// module: the mutant may be anywhere.
package outcome

import "time"

// Outcome is what came of a mutant.
type Outcome struct {
	// Tries are in the order in which they were made.
	Tries []Try `json:"tries"`
	// Broken says why the trial itself failed, such as a mutant that does not compile; nothing is known of the mutant then.
	Broken string `json:"broken,omitempty"`
}

// Try is one way of looking for the fault.
type Try struct {
	By        string        `json:"by"` // "run", "check" or "explore"
	Seed      uint64        `json:"seed,omitempty"`
	Found     bool          `json:"found"`
	Checks    int           `json:"checks,omitempty"`
	Wall      time.Duration `json:"wall_ns"`
	Invariant string        `json:"invariant,omitempty"`
	Mechanism string        `json:"mechanism,omitempty"`
	Where     string        `json:"where,omitempty"` // the scenario, or what ended the search
}

// Seeds returns how many checks found it, and of how many.
func (o *Outcome) Seeds() (found, all int) {
	for _, t := range o.Tries {
		if t.By == "check" {
			all++
			if t.Found {
				found++
			}
		}
	}
	return found, all
}

// By returns the first try of the kind that found it, or nil.
func (o *Outcome) By(kind string) *Try {
	for i := range o.Tries {
		if t := &o.Tries[i]; t.By == kind && t.Found {
			return t
		}
	}
	return nil
}

// Found reports whether anything found it.
func (o *Outcome) Found() bool {
	return o.By("run") != nil || o.By("check") != nil || o.By("explore") != nil
}
