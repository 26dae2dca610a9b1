package libpq_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/examples/libpq"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
)

// TestRaces puts two more mistakes back, each in a plan whose schedule is the one that matters. The corrected controller holds in both.
func TestRaces(t *testing.T) {
	after := func(d time.Duration) plan.Duration { return plan.Duration(d) }
	boot := []plan.Boot{{ImagePull: after(20 * time.Second), AgentStart: after(5 * time.Second), Preflight: after(15 * time.Second)}}
	for _, c := range []struct {
		name       string
		bugs       libpq.Bugs
		acts       []plan.Act
		faults     []plan.Fault
		invariants []string // any of them is true of it
		sql        string
	}{
		{
			name: "a heartbeat writes what it read", bugs: libpq.Bugs{BlindHeartbeat: true},
			acts: []plan.Act{{At: after(3 * time.Minute), Do: "restart", Workspace: 1}},
			faults: []plan.Fault{{
				Kind: "stall", From: after(150 * time.Second), Until: after(3 * time.Minute), Calls: []string{"heartbeat"}, Workspaces: []int{1},
				Delay: after(35 * time.Second), When: "after", Nth: []int{2},
			}},
			invariants: []string{"current-incarnation", "loser-cannot-overwrite-winner"}, sql: "select status, token from workspaces where id = $1 at",
		},
		{
			name: "a sweep writes off a list", bugs: libpq.Bugs{ListSweep: true},
			faults: []plan.Fault{
				{Kind: "partition", From: after(100 * time.Second), Until: after(276 * time.Second)},
				{
					Kind: "stall", From: after(258 * time.Second), Until: after(276 * time.Second), Calls: []string{"liveness-sweep"},
					Delay: after(time.Minute), When: "after",
				},
			},
			invariants: []string{"stays-online", "loser-cannot-overwrite-winner"}, sql: "update workspaces set status = 'offline' where id = $1 at",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &plan.Plan{
				Name: "race", Seed: 1, Duration: after(12 * time.Minute), Controllers: 1, Acts: c.acts, Faults: c.faults,
				Workspaces: []plan.Workspace{{Name: "w-1", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: boot}},
			}
			told(t, harness.Play(t.Context(), p, stores.Memory(), target(c.bugs).For(t), nil), c.invariants, c.sql)
			sound := harness.Play(t.Context(), p, stores.Memory(), target(libpq.Bugs{}).For(t), nil)
			if x := sound.Judgement.First(); sound.Fault != nil || x != nil {
				t.Errorf("corrected: %v %v", sound.Fault, x)
			}
		})
	}
}

// told requires that the outcome violates one of the invariants first, and that its mechanism says all of that.
func told(t *testing.T, o *harness.Outcome, invariants []string, says ...string) {
	t.Helper()
	if o.Fault != nil {
		t.Fatal(o.Fault)
	}
	x := o.Judgement.First()
	if x == nil {
		t.Fatal("nothing is violated")
	}
	mechanism := invariant.Explain(o.Plan, o.History, x).Mechanism
	t.Logf("%s: %s", x.Invariant, mechanism)
	if !slices.Contains(invariants, x.Invariant) {
		t.Errorf("%s, which is none of %v", x.Invariant, invariants)
	}
	for _, text := range says {
		if !strings.Contains(mechanism, text) {
			t.Errorf("the mechanism lacks %q", text)
		}
	}
}
