package libpq_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/examples/libpq"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/stores"
)

// TestBugs puts each mistake back. The search must find it, and tell it with the statement that did it.
func TestBugs(t *testing.T) {
	for _, c := range []struct {
		name       string
		bugs       libpq.Bugs
		invariants []string // any of them is true of it
		says       string   // in the mechanism, or the timeline
	}{
		{"a heartbeat does not heal", libpq.Bugs{StickyFailed: true}, []string{"converges"}, "sweepBoots"},
		{
			"a heartbeat writes what it read", libpq.Bugs{BlindHeartbeat: true},
			[]string{"removed-is-terminal", "current-incarnation", "loser-cannot-overwrite-winner", "unasked", "legal-edges"},
			"select status, token from workspaces where id = $1",
		},
		{
			"a sweep writes off a list", libpq.Bugs{ListSweep: true},
			[]string{"stays-online", "removed-is-terminal", "unasked", "loser-cannot-overwrite-winner", "legal-edges", "detects-silence"},
			"update workspaces set status = 'offline' where id = $1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			checked, err := harness.Checking{Target: target(c.bugs).For(t), Source: stores.Memory(), Seed: 1, Checks: 400}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if checked.Found == nil {
				t.Fatalf("%d checks found nothing", checked.Checks)
			}
			o := checked.Found.Outcome
			x := o.Judgement.First()
			e := invariant.Explain(o.Plan, o.History, x)
			story := e.Mechanism
			for _, l := range e.Timeline {
				story += "\n" + l.Text
			}
			t.Logf("%s after %d checks, %s: %s", x.Invariant, checked.Checks, checked.Found.After, e.Mechanism)
			if !slices.Contains(c.invariants, x.Invariant) || !strings.Contains(story, c.says) {
				t.Errorf("%s, which is none of %v, or without %q:\n%s", x.Invariant, c.invariants, c.says, story)
			}
		})
	}
}
