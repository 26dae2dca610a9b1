package harness_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// lateBoots is a built-in scenario with its choices made by a seed.
func lateBoots() *plan.Plan {
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		panic(err)
	}
	p, err := plan.Resolve(s, 7)
	if err != nil {
		panic(err)
	}
	return p
}

// stickyFailed is the reference controller with the defect that bootrace began with.
func stickyFailed() sim.Target {
	d, err := defects.Find("sticky-failed")
	if err != nil {
		panic(err)
	}
	return sim.Reference(d)
}

func ExamplePlay() {
	p := lateBoots()
	o := harness.Play(context.Background(), p, stores.Memory(), stickyFailed(), nil)
	if o.Fault != nil {
		panic(o.Fault)
	}
	fmt.Println(o.Verdict())
	violation := o.Judgement.First()
	fmt.Println(violation.Invariant, "of workspace", violation.Workspace)
	fmt.Println(invariant.Explain(p, o.History, violation).Mechanism)
	// Output:
	// violated
	// converges of workspace 1
	// The provision-timeout sweeper gave up at +10:21.8, when the boot was 10m22s old, 1m26s before it ended. Since then the heartbeat handler accepted 12 heartbeats, found "failed" each time, and has no transition out of it: the workspace serves, and shows failed to the end of the run.
}

// A test of your own controller. Verify plays generated fleets, faults and operator's acts against it.
func ExampleVerify() {
	var t *testing.T // the test's
	harness.Verify(t, sim.Target{Name: "my controller", Deploy: func() sim.Deployment {
		return sim.Deployment{
			Table: lifecycle.Standard(),
			Start: func(c controller.Config) (sim.Instance, error) {
				k, err := controller.New(c) // or yours, made of the same parts
				if err != nil {
					return sim.Instance{}, err
				}
				return sim.Instance{Handler: k.Handler(), Ticks: k.Ticks()}, nil
			},
		}
	}})
}

func ExampleSuite() {
	suite := harness.Suite{Plans: []*plan.Plan{lateBoots()}, Source: stores.Memory(), Seed: 7, Jobs: 1}
	run, err := suite.Run(context.Background())
	if err != nil {
		panic(err)
	}
	for _, result := range run.Results {
		fmt.Println(result.Scenario, result.Verdict)
	}
	// Output: minimax-past-budget held
}

func ExampleChecking() {
	search := harness.Checking{Target: stickyFailed(), Source: stores.Memory(), Seed: 1, Checks: 100}
	checked, err := search.Run(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(checked.Found.Outcome.Judgement.First().Invariant, "with", len(checked.Found.Outcome.Plan.Workspaces), "workspace")
	// Output: converges with 1 workspace
}
