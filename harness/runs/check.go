package runs

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// check says why the run cannot be read, or nothing. Whatever plays, judges or renders a loaded run takes what is checked
// here for granted.
func check(r *Run) string {
	seen := map[string]bool{}
	for i, x := range r.Results {
		if x == nil || x.Plan == nil || x.Judgement == nil {
			return fmt.Sprintf("result %d lacks its plan or judgement", i+1)
		}
		var why string
		switch {
		case x.Scenario != x.Plan.Name:
			why = fmt.Sprintf("its plan is that of %q", x.Plan.Name)
		case !filepath.IsLocal(x.Scenario) || filepath.Base(x.Scenario) != x.Scenario:
			why = "its name is no name of a folder"
		case seen[x.Scenario]:
			why = "it is there twice"
		case x.First != nil && x.Explanation == nil:
			why = "its violation is not explained"
		case !slices.Contains([]invariant.Verdict{invariant.Held, invariant.Violated, invariant.Inconclusive}, x.Verdict):
			why = fmt.Sprintf("%q is no verdict", x.Verdict)
		default:
			why = checkPlan(x.Plan)
		}
		if why != "" {
			return fmt.Sprintf("result %d, %q: %s", i+1, x.Scenario, why)
		}
		seen[x.Scenario] = true
	}
	return ""
}

// checkPlan says which of the plan's numbers name nothing.
func checkPlan(p *plan.Plan) string {
	known := func(workspace int) bool { return workspace >= 1 && workspace <= len(p.Workspaces) }
	if p.Controllers < 1 {
		return fmt.Sprintf("the plan has %d controllers", p.Controllers)
	}
	for i, w := range p.Workspaces {
		if len(w.Boots) == 0 {
			return fmt.Sprintf("workspace %d of the plan has no boot", i+1)
		}
	}
	for i, a := range p.Acts {
		if !known(a.Workspace) {
			return fmt.Sprintf("act %d of the plan is about workspace %d, which it does not have", i+1, a.Workspace)
		}
	}
	for i, f := range p.Faults {
		if f.Replica < 0 || f.Replica > p.Controllers {
			return fmt.Sprintf("fault %d of the plan is about controller %d, which it does not have", i+1, f.Replica)
		}
		for _, w := range f.Workspaces {
			if !known(w) {
				return fmt.Sprintf("fault %d of the plan is about workspace %d, which it does not have", i+1, w)
			}
		}
	}
	return ""
}

// checkHistory says what the history speaks of that its plan does not have. Workspaces that a plan does not know are for
// the invariants to judge.
func checkHistory(p *plan.Plan, h *history.History) string {
	for i := range h.Events {
		e := &h.Events[i]
		if e.Fault < 0 || e.Fault > len(p.Faults) || e.Kind == history.Fault && e.Fault == 0 {
			return fmt.Sprintf("line %d is about fault %d, which the plan does not have", i+1, e.Fault)
		}
	}
	return ""
}
