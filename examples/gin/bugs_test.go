package gin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/examples/gin"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
)

// TestRaces puts the mistakes back, each in a plan whose schedule is the one that matters. The corrected controller holds in all.
func TestRaces(t *testing.T) {
	after := func(d time.Duration) plan.Duration { return plan.Duration(d) }
	quick := plan.Boot{ImagePull: after(20 * time.Second), AgentStart: after(5 * time.Second), Preflight: after(15 * time.Second)}
	slow := plan.Boot{ImagePull: after(8 * time.Minute), AgentStart: after(5 * time.Second), Preflight: after(160 * time.Second)}
	for _, c := range []struct {
		name       string
		bugs       gin.Bugs
		boot       plan.Boot
		acts       []plan.Act
		faults     []plan.Fault
		invariants []string // any of them is true of it
		says       string
	}{
		{
			name: "a heartbeat reads without a lock", bugs: gin.Bugs{NoLock: true}, boot: quick,
			acts: []plan.Act{{At: after(3 * time.Minute), Do: "delete", Workspace: 1}},
			faults: []plan.Fault{{
				Kind: "stall", From: after(150 * time.Second), Until: after(3 * time.Minute), Calls: []string{"heartbeat"}, Workspaces: []int{1},
				Delay: after(35 * time.Second), When: "after", Nth: []int{3},
			}},
			invariants: []string{"removed-is-terminal"}, says: "RecordBeat",
		},
		{
			name: "a sweep fails row by row", bugs: gin.Bugs{RowByRow: true}, boot: slow,
			faults: []plan.Fault{{
				Kind: "stall", From: after(10 * time.Minute), Until: after(11 * time.Minute), Calls: []string{"provision-sweep"},
				Delay: after(40 * time.Second), When: "after", Nth: []int{6},
			}},
			invariants: []string{"stays-online", "loser-cannot-overwrite-winner", "gives-up"}, says: "FailBoot",
		},
		{
			name: "a create is tried again", bugs: gin.Bugs{BlindRetry: true}, boot: quick,
			faults:     []plan.Fault{{Kind: "store-error-after-commit", Until: after(time.Minute), Calls: []string{"insert"}, Nth: []int{1}}},
			invariants: []string{"no-phantom-rows"}, says: "CreateWorkspace",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &plan.Plan{
				Name: "race", Seed: 1, Duration: after(13 * time.Minute), Controllers: 1, Acts: c.acts, Faults: c.faults,
				Workspaces: []plan.Workspace{{Name: "w-1", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{c.boot}}},
			}
			var o *harness.Outcome
			var x *invariant.Violation
			for ; x == nil; p.Seed++ { // a fault that strikes the n-th statement may strike the one that prepares it
				if p.Seed > 8 {
					t.Fatal("nothing is violated")
				}
				if o = harness.Play(t.Context(), p, stores.Memory(), target(c.bugs).For(t), nil); o.Fault != nil {
					t.Fatal(o.Fault)
				}
				x = o.Judgement.First()
			}
			mechanism := invariant.Explain(o.Plan, o.History, x).Mechanism
			t.Logf("%s: %s", x.Invariant, mechanism)
			if !slices.Contains(c.invariants, x.Invariant) || !strings.Contains(mechanism, c.says) {
				t.Errorf("want one of %v, and a mechanism with %q", c.invariants, c.says)
			}
			sound := harness.Play(t.Context(), p, stores.Memory(), target(gin.Bugs{}).For(t), nil)
			if x := sound.Judgement.First(); sound.Fault != nil || x != nil {
				t.Errorf("corrected: %v %v", sound.Fault, x)
			}
		})
	}
}
