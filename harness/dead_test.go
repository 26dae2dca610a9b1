package harness_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// patient never gives a boot up.
var patient = sim.Target{Name: "patient", Deploy: func() sim.Deployment {
	return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
		k, err := controller.New(c)
		if err != nil {
			return sim.Instance{}, err
		}
		return sim.Instance{Handler: k.Handler(), Ticks: slices.DeleteFunc(k.Ticks(), func(t controller.Tick) bool {
			return t.Name == controller.TickProvisionSweep
		})}, nil
	}}
}}

// A boot that ends with its machine is owed an end of its own: a run lasts until then, and one that is made too short for it says so.
func TestDeadBootIsOwedItsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		more   string
		target sim.Target
		want   invariant.Verdict
	}{
		{"", patient, invariant.Violated},
		{"", sim.Reference(nil), invariant.Held},
		{"duration: 5m\n", patient, invariant.Inconclusive},
		{"duration: 5m\n", sim.Reference(nil), invariant.Inconclusive},
	} {
		for _, what := range []string{
			"fleet: [{provider: kimi}]\nfaults: [{kind: machine-death, from: 40s}]\n",
			"fleet: [{provider: kimi, runtime: hermes}]\nfaults: [{kind: machine-death, from: 30s, group: kimi}]\n",
			"fleet: [{provider: kimi, boot: {dies: image_pull}}]\n",
			"fleet: [{provider: kimi}]\nacts: [{at: 5m, do: restart, group: kimi}]\nfaults: [{kind: machine-death, from: 320s}]\n",
		} {
			if c.more != "" {
				what = strings.Replace(what, "at: 5m", "at: 3m", 1)
				what = strings.Replace(what, "from: 320s", "from: 200s", 1)
			}
			text := "name: dead\nabout: A boot that ends with its machine.\n" + what + c.more
			s, err := scenarios.Load("dead.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.Resolve(s, 1)
			if err != nil {
				t.Fatal(err)
			}
			o := harness.Play(context.Background(), p, stores.Memory(), c.target, nil)
			j := o.Judgement
			i := slices.IndexFunc(j.Findings, func(f invariant.Finding) bool { return f.Invariant == "gives-up" })
			if f := j.Findings[i]; f.Verdict != c.want || c.want == invariant.Inconclusive && !strings.Contains(f.Why, "the run ends at") {
				t.Errorf("%s by %s: %s %q %v", text, c.target.Name, f.Verdict, f.Why, f.Violations)
			}
		}
	}
}
