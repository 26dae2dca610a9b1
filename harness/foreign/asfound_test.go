package foreign_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/scenarios"
)

// What is true of the server as it was found, by scenario: which invariants it breaks, and of which workspaces. In each group
// every second workspace has an agent that never registers, and every third one that tries once; what a register does wrong is
// of the others, and what it heals as well.

// seed is what comes of the seed defect alone: late boots whose agents only beat, and nothing else.
var seed = []string{
	"minimax-past-budget: converges: minimax-2 minimax-5",
	"minimax-past-budget: linearizable: minimax-2 minimax-5",
	"provider-matrix: converges: minimax-5",
	"provider-matrix: linearizable: minimax-5",
	"two-of-each: converges: minimax-2",
	"two-of-each: linearizable: minimax-2",
	"mass-cold-start: converges: minimax-29 minimax-47",
	"mass-cold-start: linearizable: minimax-29 minimax-47",
	"late-boot-during-partition: converges: minimax-2 minimax-3 minimax-5",
	"late-boot-during-partition: linearizable: minimax-2 minimax-3 minimax-5",
	"rate-limited: converges: openai-2 openai-8",
	"rate-limited: linearizable: openai-2 openai-8",
	"llm-outage: converges: kimi-2 kimi-5",
	"llm-outage: linearizable: kimi-2 kimi-5",
	"restarted-machines: converges: paused-early-2",
	"restarted-machines: linearizable: paused-early-2",
}

// seedOfFamily is what else comes of it where the control plane is served: an agent whose register was refused.
var seedOfFamily = []string{
	"pause-family-during-boot: converges: lead-1",
}

// others is what else it breaks where the harness boots the agents: tokens that are kept over a restart, or whose reply was lost,
// lock agents out.
var others = []string{
	"lost-heartbeat-replies: converges: openai-1 openai-3",
	"duplicate-and-reordered: converges: kimi-1",
	"machine-death: converges: kimi-1 kimi-3",
	"stray-agent: no-phantom-rows: ?",
}

// othersServed is the same where it asks the harness for its machines, none of which it ever stops.
var othersServed = []string{
	"lost-heartbeat-replies: converges: openai-1 openai-3",
	"duplicate-and-reordered: one-machine: kimi-1 kimi-2",
	"duplicate-and-reordered: current-incarnation: kimi-1 kimi-2",
	"restart-during-boot: one-machine: deepseek-1 deepseek-2 deepseek-3 deepseek-4 deepseek-5",
	"restart-during-boot: current-incarnation: deepseek-1 deepseek-2 deepseek-3 deepseek-4 deepseek-5",
	"delete-during-boot: removed-is-terminal: kimi-1 kimi-3 kimi-4",
	"delete-during-boot: one-machine: gemini-1 gemini-2 gemini-3 gemini-4 kimi-1 kimi-2 kimi-3 kimi-4",
	"delete-during-boot: event-iff-transition: gemini-1 gemini-3 gemini-4",
	"delete-during-boot: linearizable: kimi-1 kimi-3 kimi-4",
	"pause-resume-during-boot: operator-intent-holds: kimi-1 kimi-3 kimi-4",
	"pause-resume-during-boot: unasked: kimi-1 kimi-3 kimi-4",
	"pause-resume-during-boot: one-machine: kimi-1 kimi-2 kimi-3 kimi-4 kimi-5",
	"pause-resume-during-boot: current-incarnation: kimi-2 kimi-5",
	"pause-resume-during-boot: linearizable: kimi-1 kimi-3 kimi-4",
	"hibernate-and-wake: one-machine: kimi-1 kimi-2 kimi-3 kimi-4",
	"pause-family-during-boot: operator-intent-holds: team-1 team-3 team-4",
	"pause-family-during-boot: unasked: team-1 team-3 team-4",
	"pause-family-during-boot: one-machine: lead-1 team-1 team-2 team-3 team-4",
	"pause-family-during-boot: current-incarnation: lead-1 team-2",
	"delete-family-during-boot: removed-is-terminal: team-1 team-3",
	"delete-family-during-boot: one-machine: lead-1 team-1 team-2 team-3",
	"delete-family-during-boot: linearizable: team-1 team-3",
	"cloud-throttling: launches: kimi-1 kimi-10 kimi-11 kimi-12 kimi-13 kimi-14 kimi-15 kimi-16 kimi-18 kimi-19 kimi-2 kimi-3 kimi-4 kimi-5 kimi-6 kimi-7",
	"cloud-capacity: launches: early-1 early-2 early-3 early-4 early-5 later-1 later-2 later-3 later-4 later-5",
	"launch-error-after-life: removed-is-terminal: deleted-1",
	"launch-error-after-life: operator-intent-holds: paused-1",
	"launch-error-after-life: unasked: paused-1",
	"launch-error-after-life: one-machine: deleted-1 deleted-2 paused-1 paused-2",
	"launch-error-after-life: linearizable: deleted-1 paused-1",
	"machine-death: converges: kimi-1 kimi-3",
	"stray-agent: no-phantom-rows: ?",
}

// suite plays the built-in scenarios one after the other, each on a server of its own, and returns what was found, and which
// verdicts there were.
func suite(t *testing.T, b foreigntest.Behaviour, cp string, check func(*staged, played)) (lines []string, verdicts map[string]invariant.Verdict) {
	t.Helper()
	verdicts = map[string]invariant.Verdict{}
	for _, s := range scenarios.Builtin() {
		stage(t, b, short, func(x *foreign.Target) { x.ServeCP = cp }, func(t *testing.T, x *staged) {
			for _, one := range x.play(t, s) {
				lines = append(lines, found([]played{one})...)
				verdicts[s.Name] = invariant.Judge(one.plan, one.history).Verdict
				if doubts := invariant.Judge(one.plan, one.history).Doubts; verdicts[s.Name] == invariant.Inconclusive {
					t.Logf("%s: %v", s.Name, doubts)
				}
				if check != nil {
					check(x, one)
				}
			}
			if left := x.server.Left(); len(left) > 0 {
				t.Errorf("%s: left on the server: %v", s.Name, left)
			}
		})
	}
	return lines, verdicts
}

// TestAsFound plays everything against the server as it was found, and again with the seed's fix.
func TestAsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cp    string
		b           foreigntest.Behaviour
		want, extra []string
		runs        int
	}{
		{"as found", "", foreigntest.AsFound(), others, seed, 1},
		{"as found, control plane served", stagedCP, foreigntest.AsFound(), othersServed, slices.Concat(seed, seedOfFamily), 3},
		{"fixed", "", foreigntest.Fixed(), others, nil, 1},
		{"fixed, control plane served", stagedCP, foreigntest.Fixed(), othersServed, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := slices.Sorted(slices.Values(slices.Concat(c.want, c.extra)))
			runs := c.runs
			if underRace { // make test plays them all without it
				runs = 1
			}
			for range runs {
				got, _ := suite(t, c.b, c.cp, func(x *staged, one played) { stuck(t, x, one) })
				slices.Sort(got)
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("what is true (-), and what is said (+):\n%s", d)
				}
			}
		})
	}
}

// stuck checks what is said of convergence against the server's rows: who is said not to converge was never online after it, and
// whose row ended online, of them nothing is said.
func stuck(t *testing.T, x *staged, one played) {
	t.Helper()
	ended := map[string]string{}
	for _, m := range x.server.Moves() {
		if m.By != "delete" {
			ended[m.Name] = m.To
		}
	}
	for _, v := range invariant.Judge(one.plan, one.history).Violations() {
		if name := one.plan.Workspaces[max(v.Workspace, 1)-1].Name; v.Invariant == "converges" && ended[name] == "online" {
			t.Errorf("%s: %s is said not to converge (%s), and its row is online", one.plan.Name, name, v.What)
		}
	}
}

// TestContractKept plays everything against the same server with every switch off: all holds, and says something.
func TestContractKept(t *testing.T) {
	t.Parallel()
	for _, cp := range []string{"", stagedCP} {
		got, verdicts := suite(t, foreigntest.Behaviour{}, cp, nil)
		if len(got) > 0 || len(verdicts) < 20 {
			t.Errorf("%d scenarios: a server that keeps the contract is accused: %s", len(verdicts), strings.Join(got, "; "))
		}
		for name, verdict := range verdicts {
			if verdict != invariant.Held {
				t.Errorf("%s is %s", name, verdict)
			}
		}
	}
}
