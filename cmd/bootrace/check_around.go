package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootrace/bootrace/harness/bridge"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

// around returns the plan that the search goes around; nil where it draws whole plans.
func (c *checkCmd) around(seed uint64) (*plan.Plan, error) {
	switch {
	case c.Scenario != "" && c.From != "":
		return nil, errors.New("give a scenario or --from, not both: a search goes around one plan")
	case c.From != "":
		return c.kept()
	case c.Scenario == "" && c.Distance != 0:
		return nil, errors.New("--distance is how far a search goes from a scenario: give one, or --from with a kept run")
	case c.Scenario == "":
		return nil, nil
	}
	list, err := find([]string{c.Scenario})
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("%s has %d scenarios, and a search goes around one: name its file", c.Scenario, len(list))
	}
	return plan.Resolve(list[0], seed)
}

// kept returns the plan of the kept run: that of a live one as it was measured.
func (c *checkCmd) kept() (*plan.Plan, error) {
	r, err := runs.Load(c.From)
	if err != nil {
		return nil, err
	}
	if r.Test != "" || r.World == runs.Explored {
		return nil, fmt.Errorf("%s is no run of scenarios", c.From)
	}
	if err := recorded(r, c.From); err != nil {
		return nil, err
	}
	var names []string
	for _, x := range r.Results {
		names = append(names, x.Scenario)
	}
	i := slices.IndexFunc(r.Results, func(x *runs.Result) bool { return x.Scenario == c.Of || c.Of == "" && x.First != nil })
	switch {
	case i < 0 && c.Of == "" && len(r.Results) == 1:
		i = 0
	case i < 0 && c.Of == "":
		return nil, fmt.Errorf("no scenario of %s is violated: choose one with --of: %s", c.From, strings.Join(names, ", "))
	case i < 0:
		return nil, fmt.Errorf("%s has no scenario %q; it has %s", c.From, c.Of, strings.Join(names, ", "))
	}
	x := r.Results[i]
	if x.Plan.Live == nil {
		return x.Plan, nil
	}
	h, err := r.History(x)
	if err != nil {
		return nil, err
	}
	return bridge.Plan(x.Plan, h), nil
}
