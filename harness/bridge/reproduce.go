package bridge

import (
	"context"
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/linear"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// Reproduction is what the simulated world makes of a live run.
type Reproduction struct {
	// Invariant is the violated one that was looked for; empty where the live run violated none.
	Invariant string
	// Defect is what the reference controller was given.
	Defect string
	Seeds  int
	// Shown are the seeds that violate the invariant, of those that were played.
	Shown []uint64
	// First is what happened under the first of them, or, where there is none, under the first seed of all.
	First *harness.Outcome
}

// String says how often the race showed.
func (r Reproduction) String() string {
	with := ""
	if r.Defect != "" {
		with = ", of the reference controller with the defect " + r.Defect + ","
	}
	switch {
	case r.Invariant == "" && len(r.Shown) == 0:
		return fmt.Sprintf("sim%s violates nothing with %d of %d seeds either", with, r.Seeds, r.Seeds)
	case r.Invariant == "":
		return fmt.Sprintf("sim%s violates something with %d of %d seeds, and the live run violated nothing", with, len(r.Shown), r.Seeds)
	case len(r.Shown) == 0:
		return fmt.Sprintf("sim%s does not reproduce %s: with none of %d seeds", with, r.Invariant, r.Seeds)
	default:
		return fmt.Sprintf("sim%s reproduces %s with %d of %d seeds", with, r.Invariant, len(r.Shown), r.Seeds)
	}
}

// Reproduce plays the plan that the live run's plan and history make under so many seeds, from first on, against the
// reference controller as it is or with a defect, and counts those that violate the invariant; where that is empty, any.
// An error is a fault of the harness.
func Reproduce(ctx context.Context, p *plan.Plan, h *history.History, name string, defect *defects.Defect, first uint64, seeds int) (*Reproduction, error) {
	r := &Reproduction{Invariant: name, Seeds: seeds}
	if defect != nil {
		r.Defect = defect.Name
	}
	base := Plan(p, h)
	for i := range seeds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		try := base.Clone()
		try.Seed = first + uint64(i)
		o := harness.Play(ctx, try, stores.Memory(), sim.Reference(defect), nil)
		if o.Fault != nil {
			return nil, fmt.Errorf("seed %d: %w", try.Seed, o.Fault)
		}
		shown := shows(o, name)
		if r.First == nil || shown && len(r.Shown) == 0 {
			r.First = o
		}
		if shown {
			r.Shown = append(r.Shown, try.Seed)
		}
	}
	return r, nil
}

// shows reports whether the outcome violates the invariant.
func shows(o *harness.Outcome, name string) bool {
	switch name {
	case "":
		return o.Judgement.First() != nil
	case "linearizable": // which is not judged of what is simulated
		problems, _ := linear.Check(o.Plan, o.History, linear.Timeout)
		return slices.ContainsFunc(problems, func(x linear.Problem) bool { return !x.Unknown })
	}
	return slices.ContainsFunc(o.Judgement.Findings, func(f invariant.Finding) bool {
		return f.Invariant == name && f.Verdict == invariant.Violated
	})
}

// Suspects plays the live run against the reference controller with each named defect in turn, and returns the
// reproductions of those that show the violation: what may be wrong with a controller whose code is somebody else's. Those
// that show it with more of the seeds come first. A defect that breaks the same invariant by another mechanism is none of
// them, and where the run shows no mechanism, none is.
func Suspects(ctx context.Context, p *plan.Plan, h *history.History, name string, first uint64, seeds int) ([]*Reproduction, error) {
	var found []*Reproduction
	here := fingerprints(p, h, invariant.Judge(p, h), name)
	if len(here) == 0 {
		return nil, nil
	}
	for _, d := range defects.All() {
		r, err := Reproduce(ctx, p, h, name, d, first, seeds)
		if err != nil {
			return nil, err
		}
		if len(r.Shown) == 0 {
			continue
		}
		there := fingerprints(r.First.Plan, r.First.History, r.First.Judgement, name)
		if slices.ContainsFunc(here, func(f string) bool { return slices.Contains(there, f) }) {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b *Reproduction) int { return len(b.Shown) - len(a.Shown) })
	return found, nil
}

// fingerprints are those of the violations of the invariant.
func fingerprints(p *plan.Plan, h *history.History, j *invariant.Judgement, name string) []string {
	v := invariant.NewView(p, h)
	var all []string
	for _, f := range j.Findings {
		for i := range f.Violations {
			x := &f.Violations[i]
			if f.Invariant != name {
				continue
			}
			if mechanism := v.Fingerprint(x); mechanism != name || x.Workspace == 0 { // of a workspace, the name alone says nothing of how
				all = append(all, mechanism)
			}
		}
	}
	return all
}
