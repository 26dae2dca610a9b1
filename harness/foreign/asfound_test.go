package foreign_test

import (
	"slices"
	"strings"
	"testing"
	"time"

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
	"pause-resume-during-boot: one-machine: kimi-2 kimi-5",
	"pause-resume-during-boot: current-incarnation: kimi-2 kimi-5",
	"pause-resume-during-boot: linearizable: kimi-1 kimi-3 kimi-4",
	"hibernate-and-wake: one-machine: kimi-1 kimi-2 kimi-3 kimi-4",
	"hibernate-the-busy: one-machine: busy-1 busy-2 idle-1 idle-2",
	"pause-family-during-boot: operator-intent-holds: team-1 team-3 team-4",
	"pause-family-during-boot: unasked: team-1 team-3 team-4",
	"pause-family-during-boot: one-machine: lead-1 team-2",
	"pause-family-during-boot: current-incarnation: lead-1 team-2",
	"delete-family-during-boot: removed-is-terminal: team-1 team-3",
	"delete-family-during-boot: one-machine: lead-1 team-1 team-2 team-3",
	"delete-family-during-boot: linearizable: team-1 team-3",
	"cloud-throttling: launches: kimi-1 kimi-10 kimi-11 kimi-12 kimi-13 kimi-14 kimi-15 kimi-16 kimi-18 kimi-19 kimi-2 kimi-3 kimi-4 kimi-5 kimi-6 kimi-7",
	"cloud-capacity: launches: early-1 early-2 early-3 early-4 early-5 later-1 later-2 later-3 later-4 later-5",
	"launch-error-after-life: removed-is-terminal: deleted-1",
	"launch-error-after-life: operator-intent-holds: paused-1",
	"launch-error-after-life: unasked: paused-1",
	"launch-error-after-life: one-machine: deleted-1 deleted-2 paused-2",
	"launch-error-after-life: linearizable: deleted-1 paused-1",
	"machine-death: converges: kimi-1 kimi-3",
	"stray-agent: no-phantom-rows: ?",
	"deaf-agents: one-machine: deaf-1 deaf-2 deaf-3",
	"same-name-again: one-machine: first-1 first-2 first-3 first-4",
	"same-name-again: linearizable: first-4",
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
	if underRace {
		t.Skip("make test plays this without the race detector")
	}
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
			for range c.runs {
				got, _ := suite(t, c.b, c.cp, func(x *staged, one played) { borneOut(t, x, one) })
				slices.Sort(got)
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("what is true (-), and what is said (+):\n%s", d)
				}
			}
		})
	}
}

// shown is what the server's rows and calls show of one workspace.
type shown struct {
	ended    string // the status before it was deleted
	removed  bool
	rested   bool // paused or hibernated
	unrested bool // from there online, by its agent's register
	gaveUp   bool // it was failed by a launch
	facts    map[string]int
}

// rows are what the server shows, by the workspaces' names, and whether there is a row that nobody created.
func rows(x *staged) (all map[string]*shown, invented bool) {
	all = map[string]*shown{}
	names := map[string]string{}
	for _, m := range x.server.Moves() {
		r := all[m.Name]
		if r == nil {
			r = &shown{facts: map[string]int{}}
			all[m.Name], names[m.ID] = r, m.Name
		}
		invented = invented || m.Name == m.ID
		resting := func(status string) bool {
			return status == "paused" || status == "hibernated" || status == "hibernating"
		}
		r.unrested = r.unrested || resting(m.From) && m.To == "online" && m.By == "register"
		r.rested = r.rested || resting(m.To)
		r.gaveUp = r.gaveUp || m.To == "failed" && m.By == "launch"
		if m.To == "removed" {
			r.removed = true
		} else {
			r.ended = m.To
		}
	}
	for _, f := range x.server.Facts() {
		if r := all[names[f.ID]]; r != nil {
			r.facts[f.What]++
		}
	}
	return all, invented
}

// borneBy says of each invariant what of the server's bears a violation of it out.
var borneBy = map[string]func(*shown) bool{
	"converges": func(r *shown) bool { return r.ended != "online" },
	"linearizable": func(r *shown) bool {
		return r.ended != "online" || r.unrested || r.facts[foreigntest.GrantedRemoved] > 0
	},
	"removed-is-terminal": func(r *shown) bool {
		return r.removed && r.facts[foreigntest.GrantedRemoved] > 0
	},
	"operator-intent-holds": func(r *shown) bool { return r.unrested },
	"unasked":               func(r *shown) bool { return r.unrested },
	"one-machine": func(r *shown) bool {
		launched, stopped := r.facts[foreigntest.Launched]+r.facts[foreigntest.UnclearLaunch], r.facts[foreigntest.Stopped]
		return launched-stopped > 1 || launched > stopped && (r.rested || r.removed)
	},
	"current-incarnation":  func(r *shown) bool { return r.facts[foreigntest.Launched]-r.facts[foreigntest.Stopped] > 1 },
	"event-iff-transition": func(r *shown) bool { return r.facts[foreigntest.ToldUnwritten] > 0 },
	"launches":             func(r *shown) bool { return r.gaveUp && r.facts[foreigntest.RefusedLaunch] > 0 },
}

// borneOut checks each violation against the server's rows and calls.
func borneOut(t *testing.T, x *staged, one played) {
	t.Helper()
	all, invented := rows(x)
	for _, v := range invariant.Judge(one.plan, one.history).Violations() {
		if v.Invariant == "no-phantom-rows" {
			if !invented {
				t.Errorf("%s: %s, and every row was created", one.plan.Name, v.What)
			}
			continue
		}
		name := one.plan.Workspaces[max(v.Workspace, 1)-1].Name
		by := borneBy[v.Invariant]
		if by == nil || all[name] == nil || !by(all[name]) {
			t.Errorf("%s: %s is accused of %s (%s), and what the server did does not bear it out: %+v", one.plan.Name, name, v.Invariant, v.What, all[name])
		}
	}
}

// TestDeletedAreNotStuck has late boots deleted while their agents beat on, and no look ever shows that they are: of them it is not
// claimed that they do not converge.
func TestDeletedAreNotStuck(t *testing.T) {
	t.Parallel()
	b := foreigntest.Behaviour{BeatIgnoresFailed: true, BeatOfRemoved: true, RemovedNotShown: true, RegisterOfRemoved: true, NoFeed: true}
	boots := group(6, 13*minute)
	for _, s := range []*scenarios.Scenario{
		own("deleted", boots, []scenarios.Act{{At: scenarios.Duration(13*minute + 10*time.Second), Do: "delete", First: 3}}),
		own("reply-lost", boots, []scenarios.Act{{At: scenarios.Duration(13*minute + 10*time.Second), Do: "delete", First: 3}},
			scenarios.Fault{Kind: "lose-reply", From: scenarios.Duration(13 * minute), Until: scenarios.Duration(15 * minute), Calls: []string{"delete"}, Nth: []int{1}}),
	} {
		stage(t, b, foreigntest.Times{}, nil, func(t *testing.T, x *staged) {
			one := x.play(t, s)[0]
			var accused []int
			for _, v := range invariant.Judge(one.plan, one.history).Violations() {
				if v.Invariant == "converges" {
					accused = append(accused, v.Workspace)
				}
			}
			// The fifth only beats; the fourth registers, and the sixth once, which heals it here.
			if !slices.Equal(accused, []int{5}) {
				t.Errorf("%s: of the first three, which were deleted, and the others, %v are said not to converge, want 5", s.Name, accused)
			}
		})
	}
}

// TestContractKept plays everything against the same server with every switch off: all holds, and says something.
func TestContractKept(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("make test plays this without the race detector")
	}
	for _, cp := range []string{stagedCP, ""} {
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

// A server that keeps the contract is accused with no times that somebody may run it with to have an answer soon: all of the contract's,
// so many times shorter.
func TestContractKeptWithShortTimes(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("make test plays this without the race detector")
	}
	for _, times := range []int{6, 20, 60} {
		scaled := func(d time.Duration) time.Duration { return d / time.Duration(times) }
		for _, s := range scenarios.Builtin() {
			stage(t, foreigntest.Behaviour{}, foreigntest.Times{
				Budget: scaled(10 * time.Minute), TTL: scaled(3 * time.Minute), ExternalTTL: scaled(90 * time.Second),
				ProvisionSweep: scaled(30 * time.Second), LivenessSweep: scaled(15 * time.Second),
			}, func(x *foreign.Target) {
				x.Heartbeat, x.Poll = scaled(30*time.Second), scaled(5*time.Second)
			}, func(t *testing.T, x *staged) {
				for _, one := range x.play(t, s) {
					if j := invariant.Judge(one.plan, one.history); j.Verdict == invariant.Violated {
						t.Errorf("%d times shorter, %s: %+v", times, s.Name, j.First())
					}
				}
			})
		}
	}
}
